import type { ClientAuthenticationMethod } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { readSignedJwt, type SignedJwt } from '@countersign/verify'
import type { HttpRequest } from '../http/message.ts'
import type { Parameters } from '../http/read-form.ts'

/** What a request says about its client; nothing of it is believed yet. */
export type ClientCredentials =
  | { readonly method: Extract<ClientAuthenticationMethod, 'none'>; readonly id: string }
  | {
      readonly method: Extract<ClientAuthenticationMethod, 'client_secret_basic' | 'client_secret_post'>
      readonly id: string
      readonly secret: string
    }
  | {
      readonly method: Extract<ClientAuthenticationMethod, 'private_key_jwt'>
      readonly id: string
      readonly assertion: SignedJwt
    }

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Reads the credentials of the one method that a request uses (RFC 6749 §2.3: not more than one). */
export function readClientCredentials(request: HttpRequest, form: Parameters): ClientCredentials | Refusal {
  const authorization = request.header('authorization')
  const [id, secret] = [form.get('client_id'), form.get('client_secret')]
  const hasAssertion = form.has('client_assertion') || form.has('client_assertion_type')
  if (Number(authorization !== undefined) + Number(secret !== undefined) + Number(hasAssertion) > 1) {
    return refuse('request_malformed', { detail: 'The client authenticates in more than one way.' })
  }
  if (hasAssertion) return readAssertion(form, id)
  if (authorization === undefined) {
    if (id === undefined) return refuse('client_authentication_failed')
    return secret === undefined ? { method: 'none', id } : { method: 'client_secret_post', id, secret }
  }
  const basic = readBasic(authorization)
  if (basic === undefined) return refuse('client_authentication_failed')
  if (id !== undefined && id !== basic.id) {
    return refuse('request_malformed', { detail: 'The client authenticates in more than one way.' })
  }
  return { method: 'client_secret_basic', ...basic }
}

/** RFC 7523 §2.2. Without `client_id` the assertion's subject says whose it is (RFC 7521 §4.2). */
function readAssertion(form: Parameters, id: string | undefined): ClientCredentials | Refusal {
  const assertion = readSignedJwt(form.get('client_assertion'))
  const subject = assertion?.claims.sub
  const isRight = form.get('client_assertion_type') === assertionType && typeof subject === 'string' && subject !== ''
  if (assertion === undefined || !isRight || (id !== undefined && id !== subject)) {
    return refuse('client_authentication_failed')
  }
  return { method: 'private_key_jwt', id: subject, assertion }
}

/** RFC 7617 with the form-encoding of RFC 6749 §2.3.1. Rubbish after the credentials, bad padding or escapes: no. */
function readBasic(header: string): { id: string; secret: string } | undefined {
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
