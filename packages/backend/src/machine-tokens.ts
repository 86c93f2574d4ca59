import { type CachedToken, cachedToken } from './cached-token.ts'
import { requireSecure, requireText } from './issuer-call.ts'
import { type Platform, systemPlatform } from './platform.ts'
import { requestToken, type TokenTarget } from './token-request.ts'

export interface MachineTokensOptions extends TokenTarget {
  /** The authorization server, `https://…` (plain HTTP on loopback only). */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Default: `/token` of the issuer. */
  readonly tokenEndpoint?: string
  /** For a private network that encrypts by itself: the client's secret travels as it is. */
  readonly allowPlainHttp?: boolean
  readonly platform?: Partial<Platform>
}

/** Tokens for a back end that acts for itself (client credentials). */
export interface MachineTokens {
  readonly issuer: string
  /**
   * A token that is alive, from memory nearly always: it is fetched once however many ask, renewed in the background from
   * 80 % of its life on, and waited for only when it has expired. Throws `CallFailure`; for a short while after a
   * failure without asking the issuer again.
   */
  getToken(target?: TokenTarget): Promise<string>
  /**
   * `fetch` with the token. After a 401 the token is fetched again and the request repeated, once; a body that can be
   * read only once (a stream) is not repeated. If there is no other token, the 401 is the answer. Throws what `getToken`
   * and `fetch` throw.
   */
  fetch(input: string | URL, init?: RequestInit, target?: TokenTarget): Promise<Response>
}

/** Targets are the developer's choice, so a handful; the bound is for programs that make them up. */
const targetsAtMost = 1_000

/** One cached token for each scope and resource of this client. Make it once, and share it. */
export function createMachineTokens(options: MachineTokensOptions): MachineTokens {
  const platform: Platform = { ...systemPlatform, ...options.platform }
  const allowPlainHttp = options.allowPlainHttp ?? false
  requireText('issuer', options.issuer, 'ISSUER')
  requireText('clientId', options.clientId, 'CLIENT_ID')
  requireText('clientSecret', options.clientSecret, 'CLIENT_SECRET')
  const issuer = options.issuer.replace(/\/+$/, '')
  const { clientId, clientSecret } = options
  const tokenEndpoint = options.tokenEndpoint ?? `${issuer}/token`
  requireSecure('issuer', issuer, allowPlainHttp)
  requireSecure('tokenEndpoint', tokenEndpoint, allowPlainHttp)
  const usual = targetOf(options)
  const tokens = new Map<string, CachedToken>()

  function tokenFor(target: TokenTarget): CachedToken {
    const key = JSON.stringify([target.scope, target.resource])
    const known = tokens.get(key)
    if (known !== undefined) return known
    const [oldest] = tokens.keys()
    if (tokens.size >= targetsAtMost && oldest !== undefined) tokens.delete(oldest)
    const made = cachedToken(platform, () => requestToken(platform, { tokenEndpoint, clientId, clientSecret }, target))
    tokens.set(key, made)
    return made
  }

  async function fetchWithToken(input: string | URL, init: RequestInit = {}, target = usual): Promise<Response> {
    const cached = tokenFor(targetOf(target))
    const token = await cached.get()
    const response = await platform.fetch(input, withToken(init, token))
    if (response.status !== 401 || !canRepeat(init.body)) return response
    const other = await cached.replace(token)
    if (other === undefined) return response
    // The connection is free again only when the first answer has been read or given up.
    await response.body?.cancel()
    return platform.fetch(input, withToken(init, other))
  }

  return {
    issuer,
    getToken: async (target = usual) => tokenFor(targetOf(target)).get(),
    fetch: fetchWithToken,
  }
}

function targetOf({ scope, resource }: TokenTarget): TokenTarget {
  return { ...(scope !== undefined && { scope }), ...(resource !== undefined && { resource }) }
}

function withToken(init: RequestInit, token: string): RequestInit {
  const headers = new Headers(init.headers)
  headers.set('Authorization', `Bearer ${token}`)
  return { ...init, headers }
}

/** False for bodies that are used up by sending them. */
function canRepeat(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return true
  return body instanceof URLSearchParams || body instanceof FormData || body instanceof Blob
}
