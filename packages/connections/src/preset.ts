import type { ReadPerson } from './person.ts'

/**
 * A provider, as a declaration: where it is, what to ask it for, how it tells of a person, and what it does differently from everybody. A new one is a file in
 * `presets/`, a line in `all-presets.ts` and `preset-names.ts`, and an answer of the provider in `recorded/`.
 */
export interface Preset {
  /** As people know it. */
  readonly title: string
  /** OpenID providers: the issuer; everything else is discovered (OpenID Connect Discovery §4). */
  readonly issuer?: string | ((settings: { readonly tenant: string }) => string)
  /** Where its documents are, and all the rest if there is nothing to discover. Each can be set in the configuration. */
  readonly endpoints?: Readonly<Partial<Record<EndpointName, string>>>
  readonly scopes: readonly string[]
  /** What else the authorization request says. */
  readonly parameters?: Readonly<Record<string, string>>
  /** What it tells of a person → what we call it. */
  readonly person: (told: Told) => ReadPerson
  readonly quirks?: Quirks
}

export type EndpointName = 'authorization' | 'token' | 'userinfo' | 'emails' | 'token_check'

/** What a provider has said about a person. Checked where it can be: the ID token's signature, that the rest is about the same subject. */
export interface Told {
  /** Of the ID token; empty without one. */
  readonly claims: Claims
  /** The document of the endpoint `userinfo`; empty if it was not asked. */
  readonly userinfo: Claims
  /** The document of the endpoint `emails`. */
  readonly emails: unknown
  /** What came along with the browser, and nobody has signed: good for a name at most. */
  readonly carried: Claims
}

export type Claims = Readonly<Record<string, unknown>>

/** Each of them absent: as the specifications have it. */
export interface Quirks {
  /** Default: `client_secret_basic`. `apple`: a signed assertion in its place. */
  readonly authenticates?: 'post' | 'apple'
  /** Stumbles over `code_challenge`, or has never heard of it. */
  readonly withoutPkce?: true
  /** Does not repeat the nonce in its ID token. */
  readonly withoutNonce?: true
  /** Says everything in the ID token. */
  readonly withoutUserinfo?: true
  /** Separates scopes by this. */
  readonly scopeSeparator?: ','
  /** Sends the browser back with a POST if it is asked for a name. */
  readonly formPost?: true
  /** Takes `prompt=login`. */
  readonly asksAgain?: true
  /** Does not say when somebody has signed in there, though `max_age` is asked for. */
  readonly withoutAuthTime?: true
  /** Its `email_verified` cannot be believed: whoever runs a tenant there writes it. */
  readonly emailIsHearsay?: true
  /** How it says by itself that somebody has left. */
  readonly notices?: 'facebook' | 'risc' | 'apple'
  /** Wants more than the token of a request to its API. */
  readonly provesSecret?: 'facebook'
  /** Asks whose token an access token is; without it access tokens of apps are not taken. */
  readonly tokenCheck?: TokenCheck
}

/** How a provider says for which client an access token was made. */
export interface TokenCheck {
  /** The request to the endpoint `token_check`. */
  readonly request: (asked: { readonly endpoint: string; readonly token: string; readonly client: PresetClient }) => {
    readonly url: string
    readonly method?: 'POST'
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }
  /** The client that its answer names; anything but ours is a refusal. */
  readonly clientOf: (answer: Claims) => unknown
}

export interface PresetClient {
  readonly id: string
  readonly secret: string
}

/** A member of a document as a document of its own; empty if it is none. */
export function within(document: Claims, member: string): Claims {
  const value = document[member]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {}
}
