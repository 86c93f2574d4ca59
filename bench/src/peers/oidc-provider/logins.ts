import { createHmac } from 'node:crypto'
import type Provider from 'oidc-provider'
import type { Client } from 'oidc-provider'
import { api, appId, cookieKey, redirectUri, scope } from './configuration.ts'

/*
 * Logins made through the provider's own models, as its endpoints would leave them.
 */

/** Its types leave out what its own actions set. */
type Made<Model extends abstract new (properties: never) => unknown> = ConstructorParameters<Model>[0]

async function app(provider: Provider): Promise<Client> {
  const client = await provider.Client.find(appId)
  if (!client) throw new Error('the client is missing')
  return client
}

const profileScope = 'openid profile email'

async function allow(provider: Provider, accountId: string): Promise<string> {
  const grant = new provider.Grant({ accountId, clientId: appId })
  grant.addResourceScope(api, scope)
  grant.addOIDCScope(profileScope)
  return grant.save()
}

/** The refresh token of a new login; bound to a key if its thumbprint is given. */
export async function makeRefreshToken(provider: Provider, accountId: string, jkt?: string): Promise<string> {
  const token = new provider.RefreshToken({
    accountId,
    client: await app(provider),
    grantId: await allow(provider, accountId),
    gty: 'authorization_code',
    resource: api,
    scope,
    expiresWithSession: false,
    ...(jkt && { jkt }),
  } as Made<typeof provider.RefreshToken>)
  return token.save()
}

/** A code without PKCE and `openid`, of a user with a session nowhere. */
export async function makeBareCode(provider: Provider, accountId: string): Promise<string> {
  const code = new provider.AuthorizationCode({
    accountId,
    client: await app(provider),
    grantId: await allow(provider, accountId),
    redirectUri,
    resource: api,
    scope,
  } as Made<typeof provider.AuthorizationCode>)
  return code.save()
}

/** A browser in which somebody has signed in, and has allowed the app what it asks. */
export interface SignedIn {
  readonly accountId: string
  readonly grantId: string
  readonly sessionUid: string
  /** The value of the header `Cookie`. */
  readonly cookie: string
}

export async function signIn(provider: Provider, accountId: string): Promise<SignedIn> {
  const grantId = await allow(provider, accountId)
  const session = new provider.Session()
  session.loginAccount({ accountId })
  session.ensureClientContainer(appId)
  session.grantIdFor(appId, grantId)
  const cookie = `_session=${await session.save(180 * 86400)}`
  const seal = createHmac('sha1', cookieKey).update(cookie).digest('base64url')
  return { accountId, grantId, sessionUid: session.uid, cookie: `${cookie}; _session.sig=${seal}` }
}

/** A code with PKCE, for an ID token too. */
export async function makeCode(provider: Provider, login: SignedIn, challenge: string): Promise<string> {
  const { accountId, grantId, sessionUid } = login
  const code = new provider.AuthorizationCode({
    accountId,
    client: await app(provider),
    codeChallenge: challenge,
    codeChallengeMethod: 'S256',
    expiresWithSession: true,
    grantId,
    redirectUri,
    resource: api,
    scope: `openid ${scope}`,
    sessionUid,
  } as Made<typeof provider.AuthorizationCode>)
  return code.save()
}

/** An access token for UserInfo: an opaque one, since it takes no other. */
export async function makeAccessToken(provider: Provider, login: SignedIn): Promise<string> {
  const { accountId, grantId, sessionUid } = login
  const token = new provider.AccessToken({
    accountId,
    client: await app(provider),
    expiresWithSession: true,
    grantId,
    gty: 'authorization_code',
    scope: profileScope,
    sessionUid,
  } as Made<typeof provider.AccessToken>)
  return token.save()
}
