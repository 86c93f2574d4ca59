import { User, UserManager, WebStorageStateStore } from 'oidc-client-ts'
import { callWith, clientId, logIn, type SdkInPage } from './sdk-in-page.ts'

/**
 * oidc-client-ts: `automaticSilentRenew` is on by default, and `signinSilent` uses the refresh token. The user is kept in localStorage,
 * so that tabs share it. Calls of one tab that find the token expired share one renewal, which the library leaves to the application.
 */
export function oidcClient(): SdkInPage {
  const manager = new UserManager({
    authority: location.origin,
    client_id: clientId,
    redirect_uri: `${location.origin}/`,
    userStore: new WebStorageStateStore({ store: localStorage }),
    metadata: {
      issuer: location.origin,
      token_endpoint: `${location.origin}/token`,
      authorization_endpoint: `${location.origin}/authorize`,
    },
  })
  void manager.getUser()
  let renewing: Promise<User | null> | undefined
  const renew = (): Promise<User | null> => {
    renewing ??= manager.signinSilent().finally(() => {
      renewing = undefined
    })
    return renewing
  }
  return {
    async signIn() {
      const { access_token, refresh_token, expires_in } = await logIn()
      const expires_at = Math.floor(Date.now() / 1000) + expires_in
      const profile = { sub: 'ada', iss: location.origin, aud: clientId, exp: expires_at, iat: 0 }
      await manager.storeUser(new User({ access_token, refresh_token, token_type: 'Bearer', expires_at, profile }))
      await manager.getUser()
    },
    async call() {
      const known = await manager.getUser()
      const user = known?.expired ? await renew() : known
      return user ? callWith(user.access_token) : 401
    },
  }
}
