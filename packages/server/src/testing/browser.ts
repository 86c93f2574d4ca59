import { type Answer, authorization, call } from './calls.ts'
import { type GivenServer, issuer, password } from './given.ts'

/** A browser without script: keeps cookies as RFC 6265 says, sends forms with what was hidden in them, follows nothing. */
export interface Browser {
  readonly jar: Map<string, string>
  get(path: string): Promise<Answer>
  /** Loads the page, fills its form in, and posts it to the page's own URL. */
  submit(path: string, fields: Readonly<Record<string, string>>, headers?: Record<string, string>): Promise<Answer>
  /** Signs up on the hosted page; the answer is the redirect. */
  signUp(email?: string, path?: string): Promise<Answer>
  signIn(email?: string, path?: string): Promise<Answer>
  /** Answers the consent page. */
  decide(path: string, decision: string): Promise<Answer>
  /** Goes where the answers lead, signing in and allowing what it is asked, until an application is reached. */
  follow(path: string, email?: string): Promise<Arrival>
  /** Goes through `/authorize`; signed in, it gets a code. */
  code(more?: Record<string, string>): Promise<{ code: string; verifier: string }>
}

/** What the application was told, and the pages on the way there. */
export interface Arrival {
  readonly parameters: URLSearchParams
  readonly pages: readonly string[]
}

export function browser(
  to: GivenServer,
  userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0',
): Browser {
  const jar = new Map<string, string>()

  async function send(
    method: 'GET' | 'POST',
    path: string,
    more: { payload?: string; headers?: object },
  ): Promise<Answer> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { 'user-agent': userAgent, ...(cookie !== '' && { cookie }), ...more.headers }
    const answer = await call(to, {
      method,
      url: path,
      headers,
      ...(more.payload !== undefined && { payload: more.payload }),
    })
    for (const line of answer.cookies) keep(jar, line)
    const on = method === 'POST' ? /^0;url=(.+)$/.exec(answer.headers.refresh ?? '')?.[1] : undefined
    // A page that moves on by itself leads on as a redirect does, but for what it may lead to after a form.
    return on === undefined ? answer : { ...answer, status: 303, headers: { ...answer.headers, location: on } }
  }

  async function submit(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const page = await send('GET', path, {})
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const shown = /name="shown" value="([^"]+)"/.exec(page.text)?.[1]
    return send('POST', path, {
      payload: new URLSearchParams({ csrf, ...(shown !== undefined && { shown }), ...fields }).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: issuer,
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    })
  }

  async function decide(path: string, decision: string): Promise<Answer> {
    const account = /name="account" value="([^"]+)"/.exec((await send('GET', path, {})).text)?.[1] ?? ''
    return submit(path, { account, decision })
  }

  async function follow(from: string, email = 'maria@example.com'): Promise<Arrival> {
    const pages: string[] = []
    let path = from
    for (let steps = 0; steps < 8; steps++) {
      const page = path.split('?')[0] ?? ''
      pages.push(page)
      const answer = await (page === '/sign-in' || page === '/sign-up'
        ? submit(path, { email, password })
        : page === '/consent'
          ? decide(path, 'allow')
          : send('GET', path, {}))
      const { location } = answer.headers
      if (location === undefined) throw new Error(`${page} ${answer.status} ${answer.headers['countersign-reason']}`)
      if (!location.startsWith('/')) return { parameters: new URL(location).searchParams, pages }
      path = location
    }
    throw new Error(`no end: ${pages.join(' ')}`)
  }

  return {
    jar,
    decide,
    follow,
    get: path => send('GET', path, {}),
    submit,
    signUp: (email = 'maria@example.com', path = '/sign-up') => submit(path, { email, password }),
    signIn: (email = 'maria@example.com', path = '/sign-in') => submit(path, { email, password }),
    async code(more = {}) {
      const { path, verifier } = authorization(more)
      const answer = await send('GET', path, {})
      const code = new URL(answer.headers.location ?? issuer, issuer).searchParams.get('code')
      if (code === null) throw new Error(`no code: ${answer.status} ${answer.headers.location}`)
      return { code, verifier }
    },
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split('; ')
  const cut = pair.indexOf('=')
  const name = pair.slice(0, cut)
  if (attributes.includes('Max-Age=0')) jar.delete(name)
  else jar.set(name, pair.slice(cut + 1))
}
