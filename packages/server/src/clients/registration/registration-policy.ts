/** Who may register clients, and what such clients may ever have. */
export interface RegistrationPolicy {
  /** `token`: only who holds an initial access token (RFC 7591 §3). */
  readonly mode: 'closed' | 'token' | 'open'
  /** SHA-256 of each initial access token, base64url. */
  readonly tokenHashes: readonly string[]
  /** Client id metadata documents are accepted: an address as `client_id`. */
  readonly metadataDocuments: boolean
  /** What such a client may ask for; anything else that it names is left out. */
  readonly scopes: readonly string[]
  /** The APIs that its tokens may be meant for, besides the issuer. */
  readonly audiences: readonly string[]
  /** Registrations of one network address in an hour. */
  readonly perHour: number
  readonly clientsAtMost: number
  /** A client that nobody has used is forgotten after so long. */
  readonly unusedSeconds: number
}

/** What holds if nothing is said: nobody registers anything. */
export const closedRegistration: RegistrationPolicy = {
  mode: 'closed',
  tokenHashes: [],
  metadataDocuments: false,
  scopes: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
  audiences: [],
  perHour: 60,
  clientsAtMost: 100_000,
  unusedSeconds: 86_400,
}
