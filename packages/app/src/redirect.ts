/**
 * Sign-in on the issuer's own pages, by authorization code with PKCE (RFC 6749 §4.1, RFC 7636):
 * `@countersign/app/redirect`.
 *
 * @module
 */
import type { Countersign } from './create-countersign.ts'
import { base64url, sha256 } from './dpop.ts'
import { type SignInRefusal, type SignInResult, startLogin } from './sign-in.ts'

/** The page that is being left and come back to. */
export interface Page {
  readonly href: string
  /** Leaves for another address. */
  assign(url: string): void
  /** Changes the address shown, without loading: the code leaves the address bar and the history. */
  replace(url: string): void
  /** Survives the way to the issuer and back, in this tab only. */
  readonly memory: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
}

export function browserPage(): Page {
  return {
    get href() {
      return location.href
    },
    assign: url => location.assign(url),
    replace: url => history.replaceState(history.state, '', url),
    get memory() {
      return sessionStorage
    },
  }
}

const slot = 'countersign:redirect:'

/** Authorization code with PKCE S256 (RFC 7636): remembers the verifier and leaves for the issuer's sign-in page. */
export async function signInWithRedirect(
  { holding: { platform, issuer, clientId } }: Countersign,
  { redirectUri, scope, prompt, page = browserPage() }: RedirectOptions = {},
): Promise<void> {
  const state = base64url(platform.randomBytes(16))
  const verifier = base64url(platform.randomBytes(32))
  const target = redirectUri ?? page.href.replace(/[?#].*/s, '')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: target,
    state,
    code_challenge: await sha256(platform.subtle, verifier),
    code_challenge_method: 'S256',
  })
  if (scope) query.set('scope', scope)
  if (prompt) query.set('prompt', prompt)
  page.memory.setItem(slot + state, JSON.stringify({ verifier, redirectUri: target }))
  page.assign(`${issuer}/authorize?${query}`)
}

export interface RedirectOptions {
  /** Where the issuer sends the person back to; this page without query by default. Must be registered. */
  readonly redirectUri?: string
  /** Scopes, separated by spaces (RFC 6749 §3.3). Default: what the client has. */
  readonly scope?: string
  /** `create` opens sign-up, `login` asks for the password again. */
  readonly prompt?: string
  readonly page?: Page
}

/**
 * Finishes a sign-in by redirect: undefined if this page's address is not an answer of the issuer. `state` must be one
 * that this tab has sent, and `iss` the issuer's name (RFC 9207 §2.4), before the code goes anywhere. Refused with `state_mismatch`, `issuer_mismatch`, and what the issuer
 * says; throws a `TokenFailure` (`unavailable`) if the code cannot be redeemed now.
 */
export async function handleRedirect(
  { ready, holding }: Countersign,
  page: Page = browserPage(),
): Promise<SignInResult | undefined> {
  const url = new URL(page.href)
  const { searchParams: query } = url
  const state = query.get('state')
  const code = query.get('code')
  const error = query.get('error')
  if (!state || !(code || error)) return undefined
  const description = query.get('error_description') ?? ''
  const reason = query.get('reason') ?? error
  const iss = query.get('iss')
  for (const name of ['code', 'state', 'iss', 'error', 'error_description', 'reason']) query.delete(name)
  page.replace(url.href)

  const kept = page.memory.getItem(slot + state)
  page.memory.removeItem(slot + state)
  const refuse = (why: string, text: string): SignInRefusal => {
    return { refused: true, reason: why as SignInRefusal['reason'], description: text, retryAfterSeconds: 0 }
  }
  if (!kept) return refuse('state_mismatch', 'This tab has not asked for this answer.')
  if (iss !== holding.issuer) return refuse('issuer_mismatch', 'Another issuer answers.')
  if (!code) return refuse(reason ?? '', description)
  const { verifier, redirectUri } = JSON.parse(kept)
  const form = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri,
    client_id: holding.clientId,
  }
  await ready
  return startLogin(holding, '/token', new URLSearchParams(form))
}
