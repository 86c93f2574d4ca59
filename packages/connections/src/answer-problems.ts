import { type Refusal, refuse } from '@countersign/protocol'
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'
import { ConnectionUnavailable } from './connection.ts'

/** What providers say when the person has changed their mind (LinkedIn and Apple have words of their own). */
const declined = new Set(['access_denied', 'user_cancelled_login', 'user_cancelled_authorize', 'consent_required'])
const busy = new Set(['temporarily_unavailable', 'server_error'])

/** That the provider is not to be had, however deep it lies. */
export function unavailabilityIn(error: unknown): ConnectionUnavailable | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConnectionUnavailable) return cause
  }
  return undefined
}

/** What became of an exchange with a provider that did not work: the refusal, or it is thrown that the provider is not to be had. */
export function refusalOfExchange(error: unknown): Refusal {
  const away = unavailabilityIn(error)
  if (away !== undefined) throw away
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    if (error instanceof AuthorizationResponseError && declined.has(error.error)) return refuse('connection_denied')
    if (busy.has(error.error)) throw new ConnectionUnavailable(`the provider says ${error.error}`)
    // A word of the specifications or none: it goes to logs and pages.
    const word = /^[a-z_]{1,40}$/.test(error.error) ? error.error : 'an error'
    return refuse('connection_answer_invalid', { detail: `The provider says ${word}.` })
  }
  if (error instanceof ClientError || error instanceof TypeError) {
    const code = (error as { code?: string }).code ?? error.name
    return refuse('connection_answer_invalid', { detail: `The answer is not what it should be: ${code}.` })
  }
  throw error
}
