import { generateKeyPairSync } from 'node:crypto'
import {
  type AuthenticatedClient,
  authenticationMethods,
  type Client,
  clientSecretMatches,
  declareClient,
  type Instant,
  judgeClientAssertion,
  type UsedOnce,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { ClientSnapshot } from '@countersign/store'
import type { ClientRefusal } from '../http/answers.ts'
import type { HttpRequest } from '../http/message.ts'
import type { Parameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { limitStrangers } from './limit-strangers.ts'
import { type ClientCredentials, readClientCredentials } from './read-client-credentials.ts'

/** Takes the place of a client that does not exist, so that both cost the same: a hash to compare, a signature to check. */
const nobody = declareClient({ id: '', secretHashes: ['A'.repeat(43)], jwks: keysOfNobody() })

/** A client that has shown who it is, and how. */
export interface Authenticated extends ClientSnapshot {
  readonly client: AuthenticatedClient
  readonly method: ClientCredentials['method']
}

type Needed = Pick<Services, 'store' | 'config' | 'clientKeys' | 'clientFinder' | 'counters'>

interface Known {
  /** A client that was read already with something else; used if it is the one that is presented. */
  readonly loaded?: ClientSnapshot | undefined
  /** Does not ask what its document says now: whoever gives back what they have may do so to the last. */
  readonly asStored?: boolean
}

/** Of a client that nobody has vouched for: each is a row that waits for the disk. */
const assertionsAMinute = 240

/**
 * Client authentication at the token, revocation and introspection endpoints and wherever else clients call (RFC 6749 §2.3): `none` for public
 * clients, `client_secret_basic`, `client_secret_post`, `private_key_jwt` (RFC 7523 §2.2). One method a request, and only one that is the client's. Which part
 * was wrong is not told. An assertion is used up by the one that writes it first, last of all: whoever holds no key writes nothing, and who
 * has registered itself only so often (`too_many_attempts`).
 */
export async function authenticateClient(
  services: Needed,
  request: HttpRequest,
  form: Parameters,
  { loaded, asStored = false }: Known = {},
): Promise<Authenticated | Refusal> {
  const presented = readClientCredentials(request, form)
  if ('refused' in presented) return inItsScheme(request, presented)
  const { clientFinder } = services
  const found = await (asStored ? clientFinder.findStored(presented.id) : clientFinder.find(presented.id, loaded))
  const client = found?.client ?? nobody
  const now = found?.now ?? 0
  const proven = await judgeCredentials(services, presented, { client, now })
  if (isRefusal(proven)) return proven
  const mayAuthenticateSo = authenticationMethods(client).includes(presented.method)
  if (found === undefined || client.disabled || proven === false || !mayAuthenticateSo) {
    return inItsScheme(request, refuse('client_authentication_failed'))
  }
  if (proven !== true) {
    const limits = { client, ip: request.ip, what: 'assertions', perMinute: assertionsAMinute }
    const limited = await limitStrangers(services, limits)
    if (limited !== undefined) return limited
    if (!(await useUp(services, proven, now))) return inItsScheme(request, refuse('client_authentication_failed'))
  }
  return { ...found, client: client as AuthenticatedClient, method: presented.method }
}

function inItsScheme(request: HttpRequest, refusal: Refusal): Refusal | ClientRefusal {
  if (refusal.reason !== 'client_authentication_failed') return refusal
  return { ...refusal, usedBasic: request.header('authorization') !== undefined }
}

/** Whether the credentials are the client's; of an assertion the row that uses it up. */
async function judgeCredentials(
  services: Needed,
  presented: ClientCredentials,
  { client, now }: { client: Client; now: Instant },
): Promise<boolean | UsedOnce | Refusal> {
  switch (presented.method) {
    case 'none':
      return true
    case 'client_secret_basic':
    case 'client_secret_post':
      return clientSecretMatches(client, presented.secret, now)
    case 'private_key_jwt':
      return judgeAssertion(services, presented, { client, now })
  }
}

async function judgeAssertion(
  { config, clientKeys }: Needed,
  { id, assertion }: Extract<ClientCredentials, { method: 'private_key_jwt' }>,
  { client, now }: { client: Client; now: Instant },
): Promise<UsedOnce | boolean | Refusal> {
  const keys = await clientKeys.keysOf(client, assertion.header.kid)
  if (keys === undefined) {
    const detail = 'The keys of the client cannot be fetched right now.'
    return refuse('unavailable', { detail, retryAfterSeconds: 30 })
  }
  const algorithms = client.assertionAlgorithm === null ? undefined : [client.assertionAlgorithm]
  if (!assertion.isSignedBy(keys, algorithms)) return false
  const audiences = [config.issuer, `${config.issuer}/token`]
  return judgeClientAssertion(assertion, { clientId: id, audiences, now }) ?? false
}

/** One conditional write: of any number that present the same assertion, also at once and on any node, one gets through. */
async function useUp({ store }: Needed, row: UsedOnce, time: Instant): Promise<boolean> {
  const writes = [{ table: 'usedOnce' as const, row }]
  return (await store.commit({ writes, audit: [], entries: [], durable: true, time })) === 'committed'
}

/** One of each kind, so that checking a signature of nobody takes as long as one of somebody. An RSA key need not have prime factors to be checked with. */
function keysOfNobody(): Client['jwks'] {
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const edwards = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const rsa = { kty: 'RSA', n: Buffer.alloc(256, 0xc5).toString('base64url'), e: 'AQAB' }
  return [{ ...elliptic }, { ...edwards }, rsa]
}
