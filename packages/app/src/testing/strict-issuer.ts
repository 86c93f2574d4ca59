/**
 * A token server that is as strict as the rules allow: the refresh table of the design without any mercy beyond it,
 * proofs checked for real, everything counted. For tests of the SDK only.
 *
 * @module
 */
import { errorBody, type Reason, reasonHeader, reasons } from '@countersign/protocol'
import { checkProof, sha256 } from './proof-check.ts'

export interface StrictIssuerOptions {
  /** The address that clients use; proofs must name it. */
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly lifetimeSeconds?: number
  readonly tokenType?: 'Bearer' | 'DPoP'
  /** Milliseconds: for unbound families, how long the predecessor is still good, and how long nothing rotates. */
  readonly grace?: number
  readonly minimumLife?: number
  /** Every proof must carry this nonce. */
  readonly nonce?: string
  /** False: a bound login is given no mercy either, as by servers that know single use and nothing else. */
  readonly repeatsBound?: boolean
}

interface Family {
  readonly id: string
  readonly clientId: string
  readonly user: string
  readonly thumbprint: string | undefined
  generation: number
  rotatedAt: number
  ended?: Reason
}

interface Access {
  readonly family: Family
  expiresAt: number
  refused?: boolean
}

export interface Counts {
  /** Requests to the token endpoint with a refresh token. */
  posts: number
  rotations: number
  replays: number
  unchanged: number
  /** Families ended because a token was used twice. */
  reuses: number
  revocations: number
  logins: number
}

export interface StrictIssuer {
  readonly counts: Counts
  respond(request: Request): Promise<Response>
  /** From now on every access token is refused, as if all had expired. */
  expireAll(): void
  endAll(reason: Reason): void
  readonly families: ReadonlyMap<string, Family>
}

interface Refused extends Error {
  readonly reason: Reason
  readonly extra: Record<string, unknown>
}

/** Thrown, so that an endpoint reads from top to bottom. */
function refused(reason: Reason, extra: Record<string, unknown> = {}): Refused {
  return Object.assign(new Error(reason), { reason, extra })
}

const cors = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'authorization, content-type, dpop',
  'Access-Control-Allow-Methods': 'GET, POST, DELETE',
  'Access-Control-Max-Age': '600',
  'Access-Control-Expose-Headers': 'countersign-reason, dpop-nonce, retry-after, www-authenticate',
}

export function createStrictIssuer(options: StrictIssuerOptions): StrictIssuer {
  const { issuer, now, lifetimeSeconds = 900, tokenType = 'Bearer', grace = 20_000, minimumLife = 60_000 } = options
  const { repeatsBound = true } = options
  const counts: Counts = { posts: 0, rotations: 0, replays: 0, unchanged: 0, reuses: 0, revocations: 0, logins: 0 }
  const families = new Map<string, Family>()
  const accessTokens = new Map<string, Access>()
  const codes = new Map<string, URLSearchParams>()
  const passwords = new Map([['ada@example.com', 'correct horse']])
  const seen = new Set<string>()
  let serial = 0

  const refreshTokenOf = ({ id, generation }: Family) => `cs_rt_${id}.${generation}`

  function tokens(family: Family, withRefreshToken = true, first = false): Response {
    const accessToken = `access-${++serial}`
    accessTokens.set(accessToken, { family, expiresAt: now() + lifetimeSeconds * 1000 })
    return json(first ? 201 : 200, {
      access_token: accessToken,
      token_type: family.thumbprint ? tokenType : 'Bearer',
      expires_in: lifetimeSeconds,
      ...(withRefreshToken && { refresh_token: refreshTokenOf(family) }),
      server_time: now() / 1000,
      ...(first && { session_id: `session-${family.id}` }),
    })
  }

  function proofOf(request: Request, accessToken?: string): string | undefined {
    const proof = request.headers.get('DPoP')
    if (!proof) return undefined
    const url = issuer + new URL(request.url).pathname
    const checked = checkProof(proof, {
      method: request.method,
      url,
      now: now(),
      nonce: options.nonce,
      seen,
      ...(accessToken && { accessToken }),
    })
    if (typeof checked === 'string') throw refused(checked, { server_time: now() / 1000 })
    return checked.thumbprint
  }

  function begin(clientId: string, thumbprint: string | undefined, user = 'ada@example.com'): Response {
    const family: Family = { id: `f${++serial}`, clientId, user, thumbprint, generation: 0, rotatedAt: now() }
    families.set(family.id, family)
    counts.logins++
    return tokens(family, true, true)
  }

  function end(family: Family | undefined, reason: Reason): void {
    if (family && !family.ended) family.ended = reason
  }

  function demandKey(family: Family, thumbprint: string | undefined): void {
    if (family.thumbprint && !thumbprint) throw refused('proof_required')
    if (family.thumbprint && family.thumbprint !== thumbprint) throw refused('proof_key_mismatch')
  }

  const familyOf = (refreshToken: string) => families.get(/^cs_rt_(.+)\.\d+$/.exec(refreshToken)?.[1] ?? '')

  function refresh(form: URLSearchParams, thumbprint: string | undefined): Response {
    counts.posts++
    const refreshToken = form.get('refresh_token') ?? ''
    if (!/^cs_rt_/.test(refreshToken)) throw refused('refresh_token_invalid')
    const family = familyOf(refreshToken)
    if (!family) throw refused('family_unknown')
    if (form.get('client_id') !== family.clientId) throw refused('client_mismatch')
    demandKey(family, thumbprint)
    if (family.ended) throw refused(family.ended)
    const generation = Number(refreshToken.split('.')[1])
    const age = now() - family.rotatedAt
    if (generation >= family.generation) {
      if (!family.thumbprint && age < minimumLife) {
        counts.unchanged++
        return tokens(family, false)
      }
      family.generation = generation + 1
      family.rotatedAt = now()
      counts.rotations++
    } else if ((family.thumbprint && repeatsBound) || (generation === family.generation - 1 && age < grace))
      counts.replays++
    else {
      counts.reuses++
      end(family, 'refresh_token_reused')
      throw refused('refresh_token_reused')
    }
    return tokens(family)
  }

  function redeemCode(form: URLSearchParams, thumbprint: string | undefined): Response {
    const asked = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const fits =
      asked &&
      asked.get('client_id') === form.get('client_id') &&
      asked.get('redirect_uri') === form.get('redirect_uri') &&
      asked.get('code_challenge') === sha256(form.get('code_verifier') ?? '')
    if (!fits) throw refused('code_invalid')
    return begin(form.get('client_id') ?? '', thumbprint)
  }

  function authorized(request: Request): Access {
    const [scheme, accessToken = ''] = (request.headers.get('Authorization') ?? '').split(' ')
    if (!accessToken) throw refused('token_missing')
    const access = accessTokens.get(accessToken)
    if (!access) throw refused('token_malformed')
    if (access.refused || access.expiresAt <= now()) throw refused('token_expired')
    if (access.family.ended) throw refused('token_revoked')
    if (tokenType === 'DPoP' && access.family.thumbprint) {
      if (scheme !== 'DPoP' || proofOf(request, accessToken) !== access.family.thumbprint) {
        throw refused('token_binding_mismatch')
      }
    }
    return access
  }

  type Endpoint = (request: Request, body: string, url: URL) => Response
  const endpoints: Record<string, Endpoint> = {
    '/v1/users': (_, body) => {
      const { email, password } = JSON.parse(body)
      if (passwords.has(email)) throw refused('email_taken')
      passwords.set(email, password)
      return json(201, { id: email })
    },
    '/v1/sessions': (request, body) => {
      const thumbprint = proofOf(request)
      const { email, password, client_id, supersedes } = JSON.parse(body)
      if (passwords.get(email) !== password) throw refused('login_failed')
      const earlier = familyOf(supersedes ?? '')
      if (earlier?.user === email) end(earlier, 'session_ended')
      return begin(client_id, thumbprint, email)
    },
    '/v1/password': (request, body) => {
      const { family } = authorized(request)
      const { current_password, new_password } = JSON.parse(body)
      if (passwords.get('ada@example.com') !== current_password) throw refused('login_failed')
      passwords.set('ada@example.com', new_password)
      for (const other of families.values()) if (other !== family) end(other, 'authorization_revoked')
      for (const access of accessTokens.values()) access.refused = true
      return tokens(family, false)
    },
    '/authorize': (_, __, url) => {
      const code = `code-${++serial}`
      codes.set(code, url.searchParams)
      const back = new URL(url.searchParams.get('redirect_uri') ?? '')
      for (const [name, value] of Object.entries({ code, state: url.searchParams.get('state') ?? '', iss: issuer })) {
        back.searchParams.set(name, value)
      }
      return new Response(null, { status: 302, headers: { Location: back.href } })
    },
    '/token': (request, body) => {
      const thumbprint = proofOf(request)
      const form = new URLSearchParams(body)
      return form.get('grant_type') === 'refresh_token' ? refresh(form, thumbprint) : redeemCode(form, thumbprint)
    },
    '/revoke': (request, body) => {
      const thumbprint = proofOf(request)
      const family = familyOf(new URLSearchParams(body).get('token') ?? '')
      if (family) demandKey(family, thumbprint)
      counts.revocations++
      end(family, 'session_ended')
      return json(200, {})
    },
    '/api/public': () => json(200, {}),
    '/api/forbidden': () => refusal(refused('token_expired'), options.nonce),
    '/api/echo': (request, body) => {
      const { family } = authorized(request)
      return json(200, { family: family.id, body, type: request.headers.get('Content-Type') })
    },
  }

  return {
    counts,
    families,
    expireAll() {
      for (const access of accessTokens.values()) access.refused = true
    },
    endAll(reason) {
      for (const family of families.values()) end(family, reason)
    },
    async respond(request) {
      const url = new URL(request.url)
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: cors })
      const endpoint = endpoints[url.pathname]
      if (!endpoint) return refusal(refused('not_found'), undefined)
      try {
        return endpoint(request, await request.text(), url)
      } catch (error) {
        if ((error as Partial<Refused>).reason) return refusal(error as Refused, options.nonce)
        throw error
      }
    },
  }
}

function json(status: number, body: object): Response {
  return Response.json(body, { status, headers: { ...cors, 'Cache-Control': 'no-store' } })
}

function refusal({ reason, extra }: Refused, nonce: string | undefined): Response {
  const { status, error } = reasons[reason]
  const response = json(status, { ...errorBody({ reason }), ...extra })
  response.headers.set(reasonHeader, reason)
  if (nonce) response.headers.set('DPoP-Nonce', nonce)
  if (status === 401) response.headers.set('WWW-Authenticate', `Bearer error="${error}", reason="${reason}"`)
  return response
}
