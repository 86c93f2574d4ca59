import type { AccessTokenClaims } from '@countersign/protocol'
import type { PresentedToken } from './history.ts'

/** Family and generation of a refresh token, by its form alone; `undefined` if it has another. */
export function readRefreshToken(text: string | undefined): PresentedToken | undefined {
  if (text === undefined || !text.startsWith('cs_rt_')) return undefined
  const bytes = Buffer.from(text.slice(6), 'base64url')
  if (bytes.length !== 63) return undefined
  return { familyId: bytes.toString('base64url', 3, 19), generation: bytes.readUInt32BE(19) }
}

/** The claims of an access token and the id of its key, unchecked. */
export function readAccessToken(text: string): { claims: AccessTokenClaims; kid: string } {
  const [header = '', payload = ''] = text.split('.')
  const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { claims: parse(payload) as AccessTokenClaims, kid: (parse(header) as { kid: string }).kid }
}
