import axios, { isAxiosError } from 'axios'
import { createAuthRefresh } from 'axios-auth-refresh'
import { clientId, logIn, type SdkInPage, type Tokens } from './sdk-in-page.ts'

/** axios-auth-refresh, as in its README: the application keeps the tokens, here in localStorage, and writes the refresh. */
export function axiosAuthRefresh(): SdkInPage {
  const keep = ({ access_token, refresh_token }: Partial<Tokens>): void => {
    if (access_token) localStorage.setItem('token', access_token)
    if (refresh_token) localStorage.setItem('refresh token', refresh_token)
  }
  const api = axios.create()
  api.interceptors.request.use(request => {
    request.headers.Authorization = `Bearer ${localStorage.getItem('token')}`
    return request
  })
  // Its types are of another copy of axios's declarations.
  createAuthRefresh(api as unknown as Parameters<typeof createAuthRefresh>[0], async failed => {
    const form = {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: localStorage.getItem('refresh token') ?? '',
    }
    const answer = await axios.post<Tokens>('/token', new URLSearchParams(form))
    keep(answer.data)
    failed.response.config.headers.Authorization = `Bearer ${answer.data.access_token}`
  })
  return {
    async signIn() {
      keep(await logIn())
    },
    async call() {
      try {
        return (await api.get('/api/echo')).status
      } catch (error) {
        return (isAxiosError(error) && error.response?.status) || 0
      }
    },
  }
}
