import { parseStrictObject, type Refusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import type { HttpRequest } from '../../http/message.ts'

/*
 * What a client says of itself (RFC 7591 §2, OpenID Connect Dynamic Registration §2, and the members of later specifications), as it comes: text that is
 * well-formed, not judged yet. Members that are not known here are ignored (§2): no rights, no `skip_consent`, no trust is among those that are.
 */

export interface ClientMetadata {
  readonly redirect_uris?: string[] | undefined
  readonly token_endpoint_auth_method?: string | undefined
  readonly token_endpoint_auth_signing_alg?: string | undefined
  readonly grant_types?: string[] | undefined
  readonly response_types?: string[] | undefined
  readonly client_name?: string | undefined
  readonly client_uri?: string | undefined
  readonly logo_uri?: string | undefined
  readonly policy_uri?: string | undefined
  readonly tos_uri?: string | undefined
  readonly scope?: string | undefined
  readonly contacts?: string[] | undefined
  readonly jwks?: { keys: Record<string, unknown>[] } | undefined
  readonly jwks_uri?: string | undefined
  readonly software_id?: string | undefined
  readonly software_version?: string | undefined
  readonly application_type?: 'web' | 'native' | undefined
  readonly subject_type?: string | undefined
  readonly sector_identifier_uri?: string | undefined
  readonly id_token_signed_response_alg?: string | undefined
  readonly default_max_age?: number | undefined
  readonly require_auth_time?: boolean | undefined
  readonly initiate_login_uri?: string | undefined
  readonly post_logout_redirect_uris?: string[] | undefined
  readonly backchannel_logout_uri?: string | undefined
  readonly backchannel_logout_session_required?: boolean | undefined
  readonly dpop_bound_access_tokens?: boolean | undefined
  readonly require_pushed_authorization_requests?: boolean | undefined
  /** At a change (RFC 7592 §2.2), and in a client id metadata document. */
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
}

const listed = 20
const uri = z.string().min(1).max(2000)
/** Shown to people: no control or format characters (which turn the direction of what stands behind them), no line ends, nothing that is not drawn. */
const visible = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]*$/u
const letterOrNumber = /[\p{L}\p{N}]/u
const text = (most: number) => z.string().min(1).max(most).regex(visible)
/** An address that is shown as text. */
const page = uri.refine(value => /^https?:\/\/[^\s\\]+$/i.test(value) && URL.canParse(value))
const jwk = z.record(z.string().max(100), z.unknown())

const schema: z.ZodType<ClientMetadata> = z.object({
  redirect_uris: z.array(uri).max(listed).optional(),
  token_endpoint_auth_method: text(100).optional(),
  token_endpoint_auth_signing_alg: text(20).optional(),
  grant_types: z.array(text(100)).max(listed).optional(),
  response_types: z.array(text(100)).max(listed).optional(),
  client_name: text(100).regex(letterOrNumber).optional(),
  client_uri: page.optional(),
  logo_uri: page.optional(),
  policy_uri: page.optional(),
  tos_uri: page.optional(),
  scope: z.string().max(2000).optional(),
  contacts: z.array(text(254)).max(listed).optional(),
  jwks: z.object({ keys: z.array(jwk).max(listed) }).optional(),
  jwks_uri: uri.optional(),
  software_id: text(255).optional(),
  software_version: text(255).optional(),
  application_type: z.enum(['web', 'native']).optional(),
  subject_type: text(20).optional(),
  sector_identifier_uri: uri.optional(),
  id_token_signed_response_alg: text(20).optional(),
  default_max_age: z.int().min(0).max(315_360_000).optional(),
  require_auth_time: z.boolean().optional(),
  initiate_login_uri: page.optional(),
  post_logout_redirect_uris: z.array(uri).max(listed).optional(),
  backchannel_logout_uri: uri.optional(),
  backchannel_logout_session_required: z.boolean().optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
  client_id: uri.optional(),
  client_secret: z.string().max(500).optional(),
})

/** The JSON body of a registration. */
export function readMetadataOf(request: HttpRequest): ClientMetadata | Refusal {
  const type = request.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') return refuse('content_type_unsupported')
  const value = parseStrictObject(request.body)
  return value === undefined ? refuse('request_malformed') : readMetadata(value)
}

/** Members that are null or empty count as absent (RFC 7592 §2.2). What is wrong is told by the name of the member, never by its value. */
export function readMetadata(value: Readonly<Record<string, unknown>>): ClientMetadata | Refusal {
  const present = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== ''))
  const parsed = schema.safeParse(present)
  if (parsed.success) return parsed.data
  const member = String(parsed.error.issues[0]?.path[0] ?? '')
  return member === 'redirect_uris' ? refuse('redirect_uri_unacceptable') : wrongMember(member)
}

/** `member` is a name of the schema, or of this server's own. */
export function wrongMember(member: string, says = 'is not valid, or not supported'): Refusal {
  return refuse('client_metadata_invalid', { detail: `The member '${member}' ${says}.` })
}
