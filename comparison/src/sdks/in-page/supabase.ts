import { AuthClient } from '@supabase/auth-js'
import { callWith, credentials, type SdkInPage } from './sdk-in-page.ts'

/** @supabase/auth-js with its defaults: the session in localStorage, renewed by a timer and by `getSession`. */
export function supabase(): SdkInPage {
  const auth = new AuthClient({
    url: location.origin,
    storageKey: 'login',
    autoRefreshToken: true,
    persistSession: true,
    detectSessionInUrl: false,
  })
  return {
    async signIn() {
      const { error } = await auth.signInWithPassword(credentials)
      if (error) throw error
    },
    async call() {
      const { data } = await auth.getSession()
      return data.session ? callWith(data.session.access_token) : 401
    },
  }
}
