import type { HttpRequest } from '../../http/message.ts'

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1); '' if there is a header without one, `undefined` if there is no header. */
export function bearerToken(request: HttpRequest): string | undefined {
  const authorization = request.header('authorization')
  if (authorization === undefined) return undefined
  return /^Bearer +([A-Za-z0-9._~+/-]{1,500}=*)$/i.exec(authorization)?.[1] ?? ''
}
