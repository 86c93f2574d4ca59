import type { Refusal } from '@countersign/protocol'
import type { Person } from './person.ts'

/**
 * A way to sign in with somebody else's account: what the server knows of it. Presets, providers by configuration and Passport strategies are all this. Expected
 * "no"s are refusals; if the provider cannot be reached, every method throws `ConnectionUnavailable`.
 */
export interface Connection {
  /** In addresses and in identities; never changes. */
  readonly name: string
  /** As people know it: "Google". */
  readonly title: string
  /** Whether the provider's tokens are to be kept, for back ends that ask for them. */
  readonly keepsTokens: boolean
  /** Whether the provider's word that an address is verified counts. */
  readonly trustsEmail: boolean
  /** Whether the first sign-in makes an account; absent: as the server has it. */
  readonly signUp?: 'open' | 'invitation' | 'closed' | undefined
  /** Where the browser has to go. */
  readonly start: (request: StartRequest) => Promise<Started>
  /** Judges what the browser has brought back, and asks the provider who it is. */
  readonly finish: (callback: Callback) => Promise<Arrived | Refusal>
  /** Judges a token of the provider that an app has got by itself. Absent: this provider cannot tell for whom a token was made. */
  readonly checkToken?: (presented: PresentedToken) => Promise<Arrived | Refusal>
  /** Judges what the provider says of its own accord. Absent: it says nothing, or not so. */
  readonly readNotice?: (body: string) => Promise<Notice | Refusal>
  /** New tokens for kept ones. Absent: this provider gives none. */
  readonly refresh?: (tokens: ProviderTokens) => Promise<ProviderTokens | Refusal>
}

/** What belongs to one sign-in; the server makes it, and knows it again. */
export interface SignInMarks {
  /** Our callback, absolute. */
  readonly redirectUri: string
  /** RFC 6749 §10.12. Unguessable; 43 characters. */
  readonly state: string
  /** OpenID Connect Core §15.5.2. */
  readonly nonce: string
  /** RFC 7636 §4.1. */
  readonly verifier: string
}

export interface StartRequest extends SignInMarks {
  /** True: whoever is signed in there already should show who they are once more. */
  readonly fresh: boolean
}

export interface Started {
  readonly url: string
  /** What the connection wants to be told again at the end; kept sealed. */
  readonly keep?: string
}

export interface Callback extends SignInMarks {
  readonly parameters: URLSearchParams
  readonly keep?: string
}

/** The provider has said who it is. */
export interface Arrived {
  readonly person: Person
  readonly tokens?: ProviderTokens
}

/** That somebody has left, or is not to be trusted any more: what they have here by this connection ends. */
export interface Notice {
  /** Names the notice among those of the connection: it counts once. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  /** The ids at the provider of whom it is about; empty: it ends nothing. */
  readonly subjects: readonly string[]
}

/** Tokens of the provider. They are kept sealed or not at all. */
export interface ProviderTokens {
  readonly accessToken: string
  readonly refreshToken?: string
  /** Milliseconds since 1970; absent: not told. */
  readonly expiresAt?: number
  readonly scope?: string
}

/** One of the two. */
export interface PresentedToken {
  readonly idToken?: string
  readonly accessToken?: string
  /** The nonce that the app has asked the provider to put into the ID token. */
  readonly nonce?: string
}

/** The provider is slow, broken or away. It is not a judgement on anybody: try again later. */
export class ConnectionUnavailable extends Error {
  override readonly name = 'ConnectionUnavailable'
  readonly retryAfterSeconds: number

  /** @param message never holds what the provider has sent. */
  constructor(message: string, more: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, { cause: more.cause })
    this.retryAfterSeconds = more.retryAfterSeconds ?? 5
  }
}
