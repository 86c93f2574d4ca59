import { type Answer, type Arrived, startServer, type TestServer } from './http-server.ts'

export interface TestIssuer extends TestServer {
  /** What is answered from now on instead of a token. */
  refuseWith: Answer | undefined
  /** Requests for tokens so far. */
  tokenRequests(): number
}

/** An issuer whose n-th token is `token-n`. `expiresIn`: seconds. */
export async function startIssuer(
  more: { expiresIn?: number; respond?: (request: Arrived) => Answer; beforeAnswer?: () => void } = {},
): Promise<TestIssuer> {
  let count = 0
  const own: Pick<TestIssuer, 'refuseWith' | 'tokenRequests'> = { refuseWith: undefined, tokenRequests: () => count }
  const server = await startServer(request => {
    if (request.path !== '/token') return more.respond?.(request) ?? { status: 404 }
    count += 1
    more.beforeAnswer?.()
    if (own.refuseWith) return own.refuseWith
    return {
      status: 200,
      // A server whose clock has stopped: nobody may mind.
      headers: { Date: 'Thu, 01 Jan 1970 00:00:01 GMT' },
      body: { access_token: `token-${count}`, token_type: 'Bearer', expires_in: more.expiresIn ?? 900, server_time: 1 },
    }
  })
  return Object.assign(own, server)
}
