import { expect, test } from 'vitest'
import { createTokenHandler, type TokenHandler, type TokenHandlerOptions } from './token-handler.ts'

const issuer = 'https://login.example'
const appUrl = 'https://app.example'

interface Browser {
  readonly idToken: string
  cookies(): string
  csrf(): string
  post(more: RequestInit): Promise<Response>
}

/** Signed in by an issuer that gives whatever is asked for. */
async function signedIn(options: Partial<TokenHandlerOptions>): Promise<Browser> {
  let idToken = ''
  let nonce: string | null = null
  const fetch = async (input: unknown): Promise<Response> => {
    if (String(input) !== `${issuer}/token`) return Response.json({})
    const claims = { iss: issuer, aud: 'web', sub: 'somebody', nonce }
    idToken = ['{}', JSON.stringify(claims), ''].map(part => Buffer.from(part).toString('base64url')).join('.')
    const tokens = { access_token: 'access', refresh_token: 'refresh', id_token: idToken }
    return Response.json({ ...tokens, token_type: 'Bearer', expires_in: 900 })
  }
  const handler: TokenHandler = createTokenHandler({
    issuer,
    clientId: 'web',
    clientSecret: 'client-secret',
    appUrl,
    secrets: ['a secret of at least thirty-two characters'],
    platform: { fetch: fetch as typeof globalThis.fetch },
    ...options,
  })
  const jar = new Map<string, string>()
  const cookies = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('cookie', cookies())
    const answer = await handler.handle(new Request(appUrl + path, { ...init, headers }))
    if (answer === undefined) throw new Error(`${path} is not the handler's`)
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/Max-Age=0/.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    return answer
  }
  const begun = new URL((await call('/auth/login')).headers.get('location') ?? '').searchParams
  nonce = begun.get('nonce')
  await call(`/auth/callback?code=x&iss=${encodeURIComponent(issuer)}&state=${begun.get('state')}`)
  const post = (more: RequestInit) =>
    call('/auth/logout', {
      method: 'POST',
      ...more,
      headers: { ...more.headers, origin: appUrl, 'sec-fetch-site': 'same-origin' },
    })
  return { idToken, cookies, csrf: () => jar.get('XSRF-TOKEN') ?? '', post }
}

const asForm = (csrf: string): RequestInit => ({ body: new URLSearchParams({ csrf }) })

test('a sign-out ends the app’s login alone, unless it is to be the issuer’s too', async () => {
  const browser = await signedIn({})
  const answer = await browser.post({ headers: { 'x-xsrf-token': browser.csrf() } })
  expect(await answer.json()).toEqual({ signedOut: true, ended: true })
  expect(browser.cookies()).toBe('')
})

test.each(['form', 'script'])(
  'with logout: issuer a %s is led there, with an ID token of whose sign-out it is',
  async by => {
    const browser = await signedIn({ logout: 'issuer' })
    const answer = await browser.post(
      by === 'form' ? asForm(browser.csrf()) : { headers: { 'x-xsrf-token': browser.csrf() } },
    )
    const { continueAt = answer.headers.get('location') } =
      by === 'form' ? {} : ((await answer.json()) as { continueAt?: string })
    const { origin, pathname, searchParams } = new URL(continueAt ?? '')
    expect(origin + pathname).toBe(`${issuer}/logout`)
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: 'web',
      post_logout_redirect_uri: `${appUrl}/`,
      id_token_hint: browser.idToken,
    })
    expect(browser.cookies()).toBe('')
  },
)

test('nobody is led to the issuer by another site’s form', async () => {
  const browser = await signedIn({ logout: 'issuer' })
  expect((await browser.post(asForm('guess'))).status).toBe(403)
})
