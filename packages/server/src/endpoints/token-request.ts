import type { AuthenticatedClient, FamilySnapshot, OpenedRefreshToken } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { ClientSnapshot } from '@countersign/store'
import type { CheckedProof } from '../dpop/proof-checker.ts'
import type { HttpRequest } from '../http/message.ts'
import type { Parameters } from '../http/read-form.ts'

/** What a grant type gets: a client that has authenticated, and a proof that was checked. */
export interface TokenRequest {
  readonly http: HttpRequest
  readonly form: Parameters
  readonly client: AuthenticatedClient
  readonly clientSnapshot: ClientSnapshot
  /** Not spent yet: the grant type does that once it knows that the request is not a stranger's. */
  readonly proof: CheckedProof
  /** What the refresh token is about; `undefined` where none was presented. */
  readonly login: PresentedLogin | undefined
}

/** A refresh token that was read, and its login as it was loaded: one look at the store, in which the client is too. */
export interface PresentedLogin {
  /** `undefined`: it was not made here. */
  readonly token: OpenedRefreshToken | undefined
  readonly snapshot: FamilySnapshot | undefined
}

export function missing(name: string): Refusal {
  return refuse('parameter_missing', { detail: `The parameter '${name}' is missing.` })
}
