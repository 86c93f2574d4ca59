import { type Reason, reasons } from './reasons.ts'

/** An expected "no": a value, never an exception. The world sees what the table in `reasons.ts` says of its reason. */
export interface Refusal {
  readonly refused: true
  readonly reason: Reason
  /** More for a developer than the table's text: names of parameters, never their values. Goes out as `error_description`. */
  readonly detail?: string
  /** For 429 and 503: seconds until another try makes sense. */
  readonly retryAfterSeconds?: number
}

/** Makes a refusal. `detail` must not hold request data. */
export function refuse(reason: Reason, more: { detail?: string; retryAfterSeconds?: number } = {}): Refusal {
  return { refused: true, reason, ...more }
}

/** Tells a refusal from any other value. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { refused?: unknown }).refused === true
}

/** The JSON body of every error answer (RFC 6749 §5.2, with our stable `reason`). */
export interface ErrorBody {
  readonly error: string
  readonly error_description: string
  readonly reason: Reason
}

/** The body that belongs to a refusal. */
export function errorBody(refusal: Pick<Refusal, 'reason' | 'detail'>): ErrorBody {
  const { error, text } = reasons[refusal.reason]
  return { error, error_description: refusal.detail ?? text, reason: refusal.reason }
}

/** The header that carries the reason on every refusal; exposed to CORS. */
export const reasonHeader = 'countersign-reason'

/**
 * The `WWW-Authenticate` challenge for a refused access token (RFC 6750 §3, RFC 9449 §7.1).
 * Without a token in the request the error code stays out (RFC 6750 §3.1), only scheme and reason remain.
 */
export function challenge(
  refusal: Pick<Refusal, 'reason' | 'detail'>,
  more: {
    scheme?: 'Bearer' | 'DPoP'
    scope?: string
    realm?: string
    algs?: string
    /** Where the API describes itself (RFC 9728 §5.1). */
    resourceMetadata?: string
  } = {},
): string {
  const { error, error_description, reason } = errorBody(refusal)
  const parameters: string[] = []
  if (more.realm !== undefined) parameters.push(`realm="${more.realm}"`)
  if (reason !== 'token_missing') parameters.push(`error="${error}"`, `error_description="${error_description}"`)
  parameters.push(`reason="${reason}"`)
  if (more.scope !== undefined) parameters.push(`scope="${more.scope}"`)
  if (more.algs !== undefined) parameters.push(`algs="${more.algs}"`)
  if (more.resourceMetadata !== undefined) parameters.push(`resource_metadata="${more.resourceMetadata}"`)
  return `${more.scheme ?? 'Bearer'} ${parameters.join(', ')}`
}
