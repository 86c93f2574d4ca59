import { sign } from 'node:crypto'
import { isRefusal, type Refusal, refuse, type TokenAnswer } from '@countersign/protocol'
import { CallFailure } from '../call-failure.ts'
import { askIssuer, basicAuthorization, type IssuerAnswer } from '../issuer-call.ts'
import type { WebPlatform } from '../platform.ts'
import type { Secrets, WebProofKey } from './secrets.ts'
import type { Person, WebLogin } from './web-login.ts'

/** What the token handler asks of the authorization server. A refusal is a value; whatever else goes wrong is a `CallFailure`. */
export interface WebIssuer {
  /** RFC 6749 §4.1.3, with PKCE. Refused besides: `claims_invalid`, if the ID token is not about this sign-in. */
  redeem(code: string, terms: CodeTerms): Promise<WebLogin | Refusal>
  /** RFC 6749 §6. */
  refresh(login: WebLogin & { readonly refreshToken: string }): Promise<WebLogin | Refusal>
  /** RFC 7009: ends the login. */
  revoke(login: WebLogin): Promise<void>
}

export interface CodeTerms {
  readonly redirectUri: string
  readonly verifier: string
  readonly nonce: string
}

export interface WebIssuerOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string
  readonly keepsIdToken: boolean
  readonly secrets: Secrets
  readonly platform: WebPlatform
}

const requestLimitMilliseconds = 10_000
const scopesOfPersons: ReadonlySet<string> = new Set(['profile', 'email', 'address', 'phone'])

export function createWebIssuer(options: WebIssuerOptions): WebIssuer {
  const { issuer, clientId, clientSecret, keepsIdToken, secrets, platform } = options
  const authorization = basicAuthorization(clientId, clientSecret)
  let nonce: string | undefined
  /** Milliseconds from this back end's clock to the issuer's: a proof is judged by the issuer's. */
  let skew = 0

  async function post(path: string, form: Readonly<Record<string, string>>, key?: WebProofKey): Promise<IssuerAnswer> {
    const url = `${issuer}${path}`
    return askIssuer(`POST ${path}`, async () => {
      const headers: Record<string, string> = { Authorization: authorization, Accept: 'application/json' }
      if (key !== undefined)
        headers.DPoP = createProof(key, { url, nonce, time: platform.now() + skew, random: platform.randomBytes })
      const signal = platform.deadline(requestLimitMilliseconds)
      const init: RequestInit = { method: 'POST', headers, body: new URLSearchParams(form), redirect: 'error', signal }
      const response = await platform.fetch(url, init)
      nonce = response.headers.get('DPoP-Nonce') ?? nonce
      const date = Date.parse(response.headers.get('Date') ?? '')
      if (!Number.isNaN(date)) skew = date - platform.now()
      return response
    })
  }

  /** What the first answer says of nonce and time makes the second proof right (RFC 9449 §8). */
  async function askForTokens(form: Readonly<Record<string, string>>, keyId: string): Promise<TokenAnswer | Refusal> {
    const key = secrets.proofKey(keyId)
    let answer = await post('/token', form, key)
    const canBeMended = isRefusal(answer) && ['proof_nonce_required', 'proof_invalid'].includes(answer.reason)
    if (canBeMended) answer = await post('/token', form, key)
    return isRefusal(answer) ? answer : readTokens(answer.body)
  }

  /** The claims that the scopes of a person ask for are told by UserInfo (OpenID Connect Core §5.3, §5.4). Without it, what the ID token says is enough. */
  async function personOf(
    claims: Person,
    { access_token: token, scope = options.scope }: TokenAnswer,
  ): Promise<Person> {
    if (!scope.split(' ').some(word => scopesOfPersons.has(word))) return shown(claims)
    const init = { headers: { Authorization: `Bearer ${token}` }, redirect: 'error' } as const
    const told = await askIssuer('GET /userinfo', () =>
      platform.fetch(`${issuer}/userinfo`, { ...init, signal: platform.deadline(requestLimitMilliseconds) }),
    ).catch(() => undefined)
    const more = told === undefined || isRefusal(told) ? undefined : (told.body as Person | null)
    return shown({ ...(more?.sub === claims.sub && more), ...claims })
  }

  const idTokenOf = ({ id_token: idToken }: TokenAnswer): Pick<WebLogin, 'idToken'> =>
    keepsIdToken && idToken !== undefined ? { idToken } : {}

  return {
    async redeem(code, { redirectUri, verifier, nonce: expected }) {
      const keyId = secrets.newestKeyId
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
      const answer = await askForTokens(form, keyId)
      if (isRefusal(answer)) return answer
      const claims = claimsOf(answer.id_token, { issuer, clientId })
      if (claims === undefined || claims.nonce !== expected) return refuse('claims_invalid')
      return {
        id: platform.randomBytes(16).toString('base64url'),
        keyId,
        accessToken: answer.access_token,
        accessEndsAt: platform.now() + answer.expires_in * 1000,
        refreshToken: answer.refresh_token ?? null,
        person: await personOf(claims, answer),
        ...idTokenOf(answer),
        begunAt: platform.now(),
      }
    },
    async refresh(login) {
      const form = { grant_type: 'refresh_token', refresh_token: login.refreshToken }
      const answer = await askForTokens(form, login.keyId)
      if (isRefusal(answer)) return answer
      const claims = claimsOf(answer.id_token, { issuer, clientId })
      // Of somebody else it would not be this login (OpenID Connect Core §12.2).
      const isSame = claims?.sub === login.person.sub
      return {
        ...login,
        accessToken: answer.access_token,
        accessEndsAt: platform.now() + answer.expires_in * 1000,
        // Without one the old one stays the current one.
        refreshToken: answer.refresh_token ?? login.refreshToken,
        person: isSame ? { ...login.person, ...(await personOf(claims, answer)) } : login.person,
        ...(isSame && idTokenOf(answer)),
      }
    },
    async revoke({ refreshToken, keyId }) {
      if (refreshToken === null) return
      const form = { token: refreshToken, token_type_hint: 'refresh_token' }
      const answer = await post('/revoke', form, secrets.proofKey(keyId))
      if (isRefusal(answer)) throw new CallFailure(`POST /revoke: refused (${answer.reason})`, { refusal: answer })
    },
  }
}

function readTokens(body: unknown): TokenAnswer {
  const answer = (body ?? {}) as Partial<TokenAnswer>
  const { access_token: token, token_type: type, expires_in: seconds } = answer
  if (typeof token !== 'string' || !/^[A-Za-z0-9\-._~+/]+=*$/.test(token) || typeof seconds !== 'number') {
    throw new CallFailure('POST /token: the answer holds no token')
  }
  if (String(type).toLowerCase() !== 'bearer') {
    throw new CallFailure(
      'POST /token: the token is not a Bearer token; set access_token_binding of this client to "bearer"',
    )
  }
  return answer as TokenAnswer
}

/**
 * The claims of an ID token that came from the token endpoint itself: who sent it is known by TLS, so its signature need not be checked (OpenID
 * Connect Core §3.1.3.7, point 6), issuer and audience are.
 */
function claimsOf(idToken: string | undefined, from: { issuer: string; clientId: string }): Person | undefined {
  if (idToken === undefined) return undefined
  let claims: Record<string, unknown>
  try {
    claims = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
  } catch {
    return undefined
  }
  const { iss, aud, azp, sub } = claims
  const audiences = Array.isArray(aud) ? aud : [aud]
  const isOurs =
    iss === from.issuer && audiences.includes(from.clientId) && (azp === undefined || azp === from.clientId)
  return isOurs && typeof sub === 'string' ? ({ ...claims, sub } as Person) : undefined
}

/** What belongs to the token and not to the person. */
const ofTheToken: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'at_hash',
  'c_hash',
])

function shown(person: Person): Person {
  return Object.fromEntries(Object.entries(person).filter(([name]) => !ofTheToken.has(name))) as Person
}

interface ProofTerms {
  readonly url: string
  readonly nonce: string | undefined
  /** Milliseconds since 1970, by the issuer's clock. */
  readonly time: number
  readonly random: WebPlatform['randomBytes']
}

/** One DPoP proof (RFC 9449 §4.2). */
function createProof(key: WebProofKey, { url, nonce, time, random }: ProofTerms): string {
  const header = { typ: 'dpop+jwt', alg: 'EdDSA', jwk: key.jwk }
  const jti = random(16).toString('base64url')
  const claims = { jti, htm: 'POST', htu: url, iat: Math.floor(time / 1000), nonce }
  const signed = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${sign(null, Buffer.from(signed), key.privateKey).toString('base64url')}`
}
