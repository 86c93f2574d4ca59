import { openJws, type PublishedKey } from './open-jws.ts'

/** What an ID token of ours says of whom it was made for. */
export interface OwnIdToken {
  readonly sub: string
  /** The clients that it was made for. */
  readonly audiences: readonly string[]
  readonly sid: string | undefined
}

/**
 * Reads an ID token that comes back as `id_token_hint` (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2): ours by signature and issuer. An expired one is as
 * good as any: it is a hint, and proves nothing about now. An access token or a logout token is none (RFC 8725 §3.11).
 */
export function openIdToken(
  token: string,
  keys: (kid: string) => PublishedKey | undefined,
  issuer: string,
): OwnIdToken | undefined {
  const opened = openJws(token, keys)
  if (opened === undefined || (opened.typ !== undefined && opened.typ !== 'JWT')) return undefined
  const { iss, sub, aud, sid, events } = opened.payload
  const audiences = typeof aud === 'string' ? [aud] : aud
  const isOurs = iss === issuer && typeof sub === 'string' && sub !== '' && events === undefined
  if (!isOurs || !Array.isArray(audiences) || !audiences.every(one => typeof one === 'string')) return undefined
  return { sub, audiences, sid: typeof sid === 'string' ? sid : undefined }
}
