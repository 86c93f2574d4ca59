import type { AuthenticatedClient } from '@countersign/core'
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
}

export function missing(name: string): Refusal {
  return refuse('parameter_missing', { detail: `The parameter '${name}' is missing.` })
}
