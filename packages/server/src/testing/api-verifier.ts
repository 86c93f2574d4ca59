import { createVerifier, type Verifier, type VerifierOptions } from '@countersign/verify'
import { type GivenServer, issuer, secrets } from './given.ts'

/**
 * An API that follows the feed over a real socket, as it is once it knows all that has been revoked until now. Close it.
 */
export async function apiVerifier(to: GivenServer, more: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const { http } = to
  if (!http.server.listening) await to.server.listen({ host: '127.0.0.1', port: 0 })
  const address = http.server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const verifier = createVerifier({
    issuer,
    audience: 'https://api.example',
    revocations: { clientId: 'api', clientSecret: secrets.api },
    ...more,
    clock: { wallMilliseconds: to.now, monotonicMilliseconds: () => performance.now() },
    fetch: (url, init) => fetch(String(url).replace(issuer, `http://127.0.0.1:${port}`), init),
  })
  if (!(await verifier.ready())) throw new Error('the verifier is not ready')
  return verifier
}
