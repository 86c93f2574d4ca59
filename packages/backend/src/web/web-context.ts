import type { WebPlatform } from '../platform.ts'
import type { CookieJar } from './cookie-jar.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { LoginKeeper } from './login-keeper.ts'
import type { Renewals } from './renewals.ts'
import type { Secrets } from './secrets.ts'
import type { WebIssuer } from './web-issuer.ts'

/** What the parts of one token handler share. */
export interface WebContext {
  readonly issuerUrl: string
  readonly clientId: string
  /** The app's own origin. */
  readonly origin: string
  /** Where the token handler's own addresses begin, without a slash at the end. */
  readonly path: string
  readonly scope: string
  readonly logout: 'app' | 'issuer'
  readonly cookieName: string
  readonly jar: CookieJar
  readonly secrets: Secrets
  readonly keeper: LoginKeeper
  readonly issuer: WebIssuer
  readonly issuerKeys: IssuerKeys
  readonly renewals: Renewals
  readonly platform: WebPlatform
  readonly onFailure: (failure: Error) => void
}
