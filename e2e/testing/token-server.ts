/** A token server under test, as the scenarios of the app SDK need it. Anything that speaks the contract will do. */
export interface TokenServer {
  /** Where it listens. Clients know it by the issuer address that it was started with. */
  readonly upstream: string
  readonly clientId: string
  readonly credentials: { readonly email: string; readonly password: string }
  /** A resource below the issuer that answers 200 to a good access token and 401 to any other. */
  readonly apiPath: string
  /** Makes every access token that there is worthless, without ending a login. */
  expireAll(): Promise<void>
  /** Since the start: rotations of refresh tokens, and logins that were ended because of reuse. */
  counts(): Promise<{ readonly rotations: number; readonly reuses: number }>
  stop(): Promise<void>
}

export type StartTokenServer = (options: {
  /** The address that the server must call itself. */
  readonly issuer: string
  /** The origin that the browser's pages come from, for CORS. */
  readonly appOrigin: string
}) => Promise<TokenServer>
