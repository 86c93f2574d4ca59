import { createVerifier, type Verifier } from '@countersign/verify'
import { protect } from '@countersign/verify/fetch'

const { ISSUER = '', API_SECRET = '' } = process.env

export const verifier: Verifier = createVerifier({
  issuer: ISSUER,
  audience: ['urn:notes', 'urn:notes:v2'],
  // While the feed cannot be reached the server is asked about each token; 'accept' (the default) trusts it, 'reject' answers 503.
  revocations: { clientId: 'notes-api', clientSecret: API_SECRET, whenStale: 'introspect' },
  // Tokens that only the server can read: it is asked about them, as the same client.
  opaque: 'introspect',
  clockToleranceSeconds: 5,
  onProblem: problem => console.error(problem),
})

type Handler = (request: Request) => Promise<Response>

export const notes: Handler = protect(verifier, { scope: 'notes:read' }, (_request, auth) =>
  Response.json({ owner: auth.claims.sub, stale: auth.stale }),
)

/** What cannot be undone: for a login of the last five minutes, and the server is asked whether the token is really its own. */
export const wipe: Handler = protect(
  verifier,
  { scope: 'notes:read', maxAuthenticationAgeSeconds: 300, introspect: true },
  () => new Response(null, { status: 204 }),
)
