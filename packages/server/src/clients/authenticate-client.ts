import { type AuthenticatedClient, clientSecretMatches, declareClient, isPublic } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { ClientSnapshot, Store } from '@countersign/store'
import type { ClientRefusal } from '../http/answers.ts'
import type { HttpRequest } from '../http/message.ts'
import type { Parameters } from '../http/read-form.ts'

/** Takes the place of a client that does not exist, so that both cost the same. */
const nobody = declareClient({ id: '', secretHashes: ['A'.repeat(43)] })

/**
 * Client authentication at the token, revocation and introspection endpoints (RFC 6749 §2.3): `none` for public clients,
 * `client_secret_basic`, `client_secret_post`. One method a request. Which part was wrong is not told.
 */
export async function authenticateClient(
  store: Store,
  request: HttpRequest,
  form: Parameters,
): Promise<(ClientSnapshot & { client: AuthenticatedClient }) | Refusal> {
  const presented = readClientCredentials(request, form)
  if ('refused' in presented) return inItsScheme(request, presented)
  const found = await store.loadClient(presented.id)
  const client = found?.client ?? nobody
  const secretIsRight = presented.secret !== undefined && clientSecretMatches(client, presented.secret)
  const isProven = isPublic(client) ? presented.secret === undefined : secretIsRight
  if (found === undefined || client.disabled || !isProven) {
    return inItsScheme(request, refuse('client_authentication_failed'))
  }
  return { ...found, client: client as AuthenticatedClient }
}

function inItsScheme(request: HttpRequest, refusal: Refusal): Refusal | ClientRefusal {
  const hasTried = refusal.reason === 'client_authentication_failed' && request.header('authorization') !== undefined
  return hasTried ? { ...refusal, usedBasic: true } : refusal
}

interface ClientCredentials {
  readonly id: string
  readonly secret: string | undefined
}

/** What the request says about its client; nothing of it is believed yet. */
export function readClientCredentials(request: HttpRequest, form: Parameters): ClientCredentials | Refusal {
  const authorization = request.header('authorization')
  const id = form.get('client_id')
  const secret = form.get('client_secret')
  if (authorization === undefined) {
    return id === undefined ? refuse('client_authentication_failed') : { id, secret }
  }
  const basic = readBasic(authorization)
  if (basic === undefined) return refuse('client_authentication_failed')
  if (secret !== undefined || (id !== undefined && id !== basic.id)) {
    return refuse('request_malformed', { detail: 'The client authenticates in more than one way.' })
  }
  return basic
}

/** RFC 7617 with the form-encoding of RFC 6749 §2.3.1. Rubbish after the credentials, bad padding or escapes: no. */
function readBasic(header: string): ClientCredentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1]
  if (encoded === undefined || encoded.length > 2048) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) return undefined
  const text = bytes.toString('utf8')
  const cut = text.indexOf(':')
  if (cut < 1 || !bytes.equals(Buffer.from(text))) return undefined
  try {
    const [id, secret] = [text.slice(0, cut), text.slice(cut + 1)].map(part =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    ) as [string, string]
    return id.includes('\0') || secret.includes('\0') ? undefined : { id, secret }
  } catch {
    return undefined
  }
}
