import { type Refusal, refuse } from '@countersign/protocol'

/** Names the parameter, never its value. */
export function invalid(name: string): Refusal {
  return refuse('parameter_invalid', { detail: `The parameter '${name}' has a value that is not allowed.` })
}

/** What is posted need not fit into an address, and the way to the sign-in and back is one. */
export const tooLong: Refusal = refuse('parameter_invalid', { detail: 'The request is too long.' })
