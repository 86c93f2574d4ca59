import { type Refusal, refuse } from '@countersign/protocol'
import {
  type Arrived,
  type Callback,
  type Connection,
  ConnectionUnavailable,
  type SignInMarks,
  type Started,
} from './connection.ts'
import { personOf, type ReadPerson } from './person.ts'

/** What Passport strategies have in common: `authenticate` ends in one of five calls on `this`. */
export interface PassportStrategy {
  authenticate(this: unknown, request: unknown, options?: unknown): unknown
}

export interface PassportOptions {
  readonly name: string
  readonly title: string
  /**
   * Makes the strategy as its documentation has it, with our callback. Its verify function hands on whatever the provider has told: `done(null, {profile, accessToken, refreshToken})`.
   */
  readonly strategy: (callbackUrl: string) => PassportStrategy
  /** What the verify function has handed on → the person. Default: Passport's own profile (`id`, `displayName`, `name`, `emails`, `photos`). */
  readonly person?: (told: PassportTold) => ReadPerson
  /** Whether the strategy's provider vouches for addresses; Passport has no word for it. Default: no. */
  readonly trustsEmail?: boolean
  readonly keepsTokens?: boolean
  readonly signUp?: 'open' | 'invitation' | 'closed'
  /** The strategy speaks OAuth 1.0 (RFC 5849), which has no `state`: ours travels in the callback address, and the provider has to keep to that. */
  readonly isOauth1?: true
}

/** What the verify function hands on. */
export interface PassportTold {
  /** https://www.passportjs.org/reference/normalized-profile/ */
  readonly profile: Readonly<Record<string, unknown>>
  readonly accessToken?: string
  readonly refreshToken?: string
}

type Outcome =
  | { readonly url: string }
  | { readonly told: PassportTold }
  | { readonly failed: true }
  | { readonly error: unknown }

/**
 * Any Passport strategy as a connection. The strategy gets a request with the query of the callback and a session of its own, which lives for this one sign-in, sealed: there it
 * keeps its state, nonce or token secret. Ours is checked besides, and travels in the strategy's callback address.
 */
export function passportConnection(options: PassportOptions): Connection {
  const { name, title, trustsEmail = false, keepsTokens = false, signUp } = options

  async function start(marks: SignInMarks): Promise<Started> {
    const session = {}
    const outcome = await run(options, callbackOf(options, marks), session, new URLSearchParams())
    if (!('url' in outcome)) throw new ConnectionUnavailable(`the strategy of ${name} does not begin`)
    const url = new URL(outcome.url)
    // Strategies that keep a state of their own have set one: it is in the session, and ours takes its place on the way.
    const own = url.searchParams.get('state')
    if (options.isOauth1 !== true) url.searchParams.set('state', marks.state)
    return { url: url.href, keep: JSON.stringify({ session, state: own }) }
  }

  async function finish(callback: Callback): Promise<Arrived | Refusal> {
    const { session, state } = JSON.parse(callback.keep ?? '{}') as { session?: object; state?: string | null }
    const parameters = new URLSearchParams(callback.parameters)
    if (parameters.has('error')) return refuse('connection_denied')
    if (typeof state === 'string') parameters.set('state', state)
    else parameters.delete('state')
    const outcome = await run(options, callbackOf(options, callback), session ?? {}, parameters)
    if ('error' in outcome) return refusalOf(outcome.error)
    if (!('told' in outcome)) return refuse('connection_answer_invalid', { detail: 'The strategy refuses the answer.' })
    const { told } = outcome
    const person = personOf((options.person ?? passportPerson(trustsEmail))(told))
    if (person === undefined)
      return refuse('connection_answer_invalid', { detail: 'The provider does not say who it is.' })
    const { accessToken, refreshToken } = told
    if (accessToken === undefined) return { person }
    return { person, tokens: { accessToken, ...(refreshToken !== undefined && { refreshToken }) } }
  }

  return { name, title, trustsEmail, keepsTokens, signUp, start, finish }
}

/** Passport's normalized profile. */
function passportPerson(vouches: boolean): (told: PassportTold) => ReadPerson {
  return ({ profile }) => {
    const { emails, photos, name } = profile as Record<
      string,
      { value?: unknown; verified?: unknown }[] | undefined
    > & {
      name?: { givenName?: unknown; familyName?: unknown }
    }
    return {
      subject: profile.id,
      email: emails?.[0]?.value,
      emailVerified: vouches && emails?.[0] !== undefined && emails[0].verified !== false,
      name: profile.displayName,
      givenName: name?.givenName,
      familyName: name?.familyName,
      preferredUsername: profile.username,
      profileUrl: profile.profileUrl,
      pictureUrl: photos?.[0]?.value,
    }
  }
}

/** Where the strategy has the provider send people back to. */
function callbackOf({ isOauth1 }: Pick<PassportOptions, 'isOauth1'>, { redirectUri, state }: SignInMarks): string {
  return isOauth1 === true ? `${redirectUri}?${new URLSearchParams({ state })}` : redirectUri
}

/** One call of the strategy, as Passport makes it: on an object of its own, whose five methods end it. */
function run(
  { strategy }: PassportOptions,
  redirectUri: string,
  session: object,
  parameters: URLSearchParams,
): Promise<Outcome> {
  return new Promise(done => {
    const query = Object.fromEntries(parameters)
    const request = {
      method: 'GET',
      url: `${new URL(redirectUri).pathname}?${parameters}`,
      originalUrl: `${new URL(redirectUri).pathname}?${parameters}`,
      headers: { host: new URL(redirectUri).host },
      query,
      body: {},
      session,
      connection: { encrypted: redirectUri.startsWith('https:') },
      app: { get: () => undefined },
    }
    const acting = Object.create(strategy(redirectUri)) as PassportStrategy & Record<string, unknown>
    acting.redirect = (url: string) => done({ url })
    acting.success = (told: PassportTold) => done({ told })
    acting.fail = () => done({ failed: true })
    acting.pass = () => done({ failed: true })
    acting.error = (error: unknown) => done({ error })
    Promise.resolve()
      .then(() => acting.authenticate(request, {}))
      .catch((error: unknown) => done({ error }))
  })
}

/** What strategies throw has no common form: where the provider has answered with a 4xx or nonsense it is an answer, else it was not there. */
function refusalOf(error: unknown): Refusal {
  const { statusCode, status, code, oauthError } = (error ?? {}) as Record<string, unknown>
  const inner = (oauthError ?? {}) as { statusCode?: unknown; code?: unknown }
  const answered = [statusCode, inner.statusCode, status].find(one => typeof one === 'number')
  const isAway = [code, inner.code].some(one => typeof one === 'string' && /^(E[A-Z]+|UND_ERR)/.test(one))
  if (isAway || (typeof answered === 'number' && answered >= 500 && inner.statusCode !== undefined)) {
    throw new ConnectionUnavailable('the strategy could not reach its provider', { cause: error })
  }
  return refuse('connection_answer_invalid', { detail: 'The strategy refuses the answer.' })
}
