import type { Login } from '../servers/contender.ts'
import { startsAt } from '../servers/server-process.ts'
import { send } from './post.ts'

/** `refused`: the answer says that this token is good for nothing (RFC 6749 §5.2); `failed`: try again. */
export type Outcome =
  | { readonly kind: 'tokens'; readonly refreshToken: string | undefined }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly text: string }

/** Servers that wanted a nonce in proofs (RFC 9449 §8) get it from then on. */
const nonces = new Map<string, string>()

/** Redeems a refresh token. `now`: milliseconds since the beginning. */
export async function refresh(
  tokenEndpoint: string,
  login: Omit<Login, 'refreshToken' | 'id'>,
  { refreshToken, now }: { refreshToken: string; now: number },
): Promise<Outcome> {
  const form = { grant_type: 'refresh_token', client_id: login.clientId, refresh_token: refreshToken }
  for (let tries = 0; ; tries++) {
    const nonce = nonces.get(tokenEndpoint)
    const dpop = login.key?.proof({ url: tokenEndpoint, now: startsAt + now, nonce })
    const { status, headers, text } = await send(tokenEndpoint, {
      headers: { 'x-forwarded-for': login.ip, ...(dpop && { dpop }) },
      form,
    })
    if (status === 200) {
      const { refresh_token } = JSON.parse(text) as { refresh_token?: string }
      return { kind: 'tokens', refreshToken: refresh_token }
    }
    if (text.includes('"use_dpop_nonce"') && tries === 0) {
      nonces.set(tokenEndpoint, String(headers['dpop-nonce']))
      continue
    }
    if (status === 400 || status === 401) return { kind: 'refused' }
    return { kind: 'failed', text: `${status} ${text}` }
  }
}
