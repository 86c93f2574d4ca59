import { createHash, randomBytes } from 'node:crypto'
import { person, redirectUri } from './app-install.ts'
import { type Answer, type Call, call } from './http-call.ts'

/** A browser without script: keeps cookies, fills in forms. */
export interface HostedBrowser {
  readonly cookies: Map<string, string>
  open(path: string, what?: Call): Promise<Answer>
  /** Loads the page, fills in its form and posts it. */
  submit(path: string, fields: Readonly<Record<string, string>>): Promise<Answer>
}

export function createHostedBrowser(issuer: string): HostedBrowser {
  const cookies = new Map<string, string>()

  async function open(path: string, what: Call = {}): Promise<Answer> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await call(issuer + path, { ...what, headers: { ...(cookie && { cookie }), ...what.headers } })
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    // After a form some pages move on by themselves: that leads on as a redirect does.
    const onward = what.form && /^0;url=(.+)$/.exec(String(answer.headers.refresh))?.[1]
    if (onward === undefined) return answer
    return { status: 303, headers: { ...answer.headers, location: onward }, text: answer.text, json: {} }
  }

  return {
    cookies,
    open,
    async submit(path, fields) {
      const page = (await open(path)).text
      const brought = ['csrf', 'shown', 'account'].map(name => [name, hiddenField(page, name)])
      return open(path, { form: { ...Object.fromEntries(brought.filter(([, value]) => value !== '')), ...fields } })
    },
  }
}

/** A field that a page's form brings along: `csrf` against forgery, `shown` for what was asked, `account` for who is asked. */
function hiddenField(page: string, name: string): string {
  const field = new RegExp(`<input[^>]*name="${name}"[^>]*>`).exec(page)?.[0] ?? ''
  return /value="([^"]*)"/.exec(field)?.[1] ?? ''
}

/** An authorization request (RFC 6749 §4.1.1) with its PKCE verifier (RFC 7636 §4.1). */
export function authorizationRequest(clientId = 'app'): { path: string; verifier: string } {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'here',
  })
  return { path: `/authorize?${query}`, verifier }
}

/** Signs in on the hosted page; the browser then holds the session's cookie. */
export async function signInHosted(
  browser: HostedBrowser,
  who: { email: string; password: string } = person,
): Promise<void> {
  const answer = await browser.submit('/sign-in?return_to=/account', { ...who })
  if (answer.status !== 303) throw new Error(`hosted sign-in: ${answer.status}`)
}

/**
 * What a person does after they were sent to the server: signs in, allows what is asked, until they are sent elsewhere. Returns that
 * address, and the pages that asked something.
 */
export async function throughHostedPages(
  browser: HostedBrowser,
  start: URL,
  who: { email: string; password: string } = person,
): Promise<{ back: URL; asked: string[] }> {
  const asked: string[] = []
  let address = start
  for (let steps = 0; address.origin === start.origin; steps++) {
    if (steps > 8) throw new Error(`It goes in circles: ${address}`)
    const path = address.pathname + address.search
    const fields = { '/sign-in': { ...who }, '/consent': { decision: 'allow' } }[address.pathname]
    if (fields !== undefined) asked.push(address.pathname)
    const answer = fields === undefined ? await browser.open(path) : await browser.submit(path, fields)
    if (answer.status !== 303) throw new Error(`${address.pathname}: ${answer.status} ${answer.text}`)
    address = new URL(answer.headers.location?.toString() ?? '', address)
  }
  return { back: address, asked }
}

/** A code for the app, without any question: the browser is signed in. */
export async function freshCode(browser: HostedBrowser): Promise<{ code: string; verifier: string }> {
  const { path, verifier } = authorizationRequest()
  const { status, headers } = await browser.open(path)
  const code = new URL(headers.location?.toString() ?? '', redirectUri).searchParams.get('code')
  if (status !== 303 || code === null) throw new Error(`no code: ${status}`)
  return { code, verifier }
}

export function codeForm(code: string, verifier: string): Readonly<Record<string, string>> {
  return {
    grant_type: 'authorization_code',
    client_id: 'app',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  }
}
