import { type Client, declareClient } from '@countersign/core'
import { type Browser, browser } from './browser.ts'
import { type Answer, redeem } from './calls.ts'
import type { GivenServer } from './given.ts'

const relyingParty = {
  firstParty: true,
  scopes: ['openid', 'profile', 'email', 'address', 'phone', 'account', 'notes'],
  defaultScopes: ['openid', 'account'],
  audiences: ['https://api.example'],
  accessTokenBinding: 'bearer',
} as const

/** Clients that speak OpenID Connect; the address of each is `https://{id}.example/callback`, unless said otherwise. */
export const openidClients: readonly Client[] = [
  declareClient({ ...relyingParty, id: 'portal', redirectUris: [addressOf('portal')] }),
  declareClient({ ...relyingParty, id: 'rsa', idTokenAlgorithm: 'RS256', redirectUris: [addressOf('rsa')] }),
  declareClient({ ...relyingParty, id: 'edwards', idTokenAlgorithm: 'EdDSA', redirectUris: [addressOf('edwards')] }),
  declareClient({ ...relyingParty, id: 'bound', accessTokenBinding: 'dpop', redirectUris: [addressOf('bound')] }),
  declareClient({
    ...relyingParty,
    id: 'connected',
    subjectType: 'connection',
    redirectUris: [addressOf('connected')],
  }),
  declareClient({ ...relyingParty, id: 'moved', subjectType: 'uuid', redirectUris: [addressOf('moved')] }),
  declareClient({ ...relyingParty, id: 'pair', subjectType: 'pairwise', redirectUris: [addressOf('pair')] }),
  declareClient({ ...relyingParty, id: 'twin', subjectType: 'pairwise', redirectUris: [addressOf('pair')] }),
  declareClient({ ...relyingParty, id: 'other', subjectType: 'pairwise', redirectUris: [addressOf('other')] }),
]

export function addressOf(id: string): string {
  return `https://${id}.example/callback`
}

function registeredAddress(id: string): string {
  return openidClients.find(client => client.id === id)?.redirectUris[0] ?? ''
}

/** The user signs in at a client through the hosted pages; the answer is the token endpoint's. */
export async function signInAt(
  to: GivenServer,
  id: string,
  more: { page?: Browser; scope?: string; claims?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer & { page: Browser }> {
  const page = more.page ?? browser(to)
  if (!page.jar.has('__Host-countersign')) await signedIn(page)
  const redirectUri = registeredAddress(id)
  const { code, verifier } = await page.code({
    client_id: id,
    redirect_uri: redirectUri,
    ...(more.scope !== undefined && { scope: more.scope }),
    ...(more.claims !== undefined && { claims: more.claims }),
  })
  const fields = { code, code_verifier: verifier, client_id: id, redirect_uri: redirectUri }
  const answer = await redeem(to, fields, more.headers)
  if (answer.status !== 200) throw new Error(answer.text)
  return { ...answer, page }
}

/** Signs up, or in if that has been done. */
async function signedIn(page: Browser): Promise<void> {
  const signUp = await page.signUp()
  if (signUp.status !== 303) await page.signIn()
}

/** The claims of a JWT, unverified. */
export function claimsOf(token: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}
