import { changeClient, placeOfHash } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { bearerToken } from '../clients/registration/bearer-token.ts'
import { readMetadataOf } from '../clients/registration/client-metadata.ts'
import { fullness } from '../clients/registration/fullness.ts'
import { metadataOfClient } from '../clients/registration/metadata-of-client.ts'
import {
  judgeMetadata,
  newRegisteredClient,
  registrationPolicy,
  type WithSecrets,
} from '../clients/registration/registered-client.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { addressKey } from '../passwords/address-key.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'

/**
 * `POST /register` (RFC 7591 §3): read → who may → how many → what is said → store → answer with everything that was registered. Such a client is somebody
 * else's application, whatever it says of itself.
 */
export function register(services: Services): Endpoint {
  const isFull = fullness(services, 'registered')
  return async http => {
    const metadata = readMetadataOf(http)
    const allowed = judgeRegistrant(services, http)
    if (isRefusal(allowed)) return refusalAnswer(allowed)
    const limited = await limitRegistrations(services, http.ip)
    if (limited !== undefined) return refusalAnswer(limited)
    if (isRefusal(metadata)) return refusalAnswer(metadata)
    const judged = await judgeMetadata(services, metadata, { ...allowed, defaultMethod: 'client_secret_basic' })
    if (isRefusal(judged)) return refusalAnswer(judged)
    if (await isFull()) {
      const detail = 'There are too many registered clients.'
      return refusalAnswer(refuse('unavailable', { detail, retryAfterSeconds: 3600 }))
    }
    const registered = await decideAndCommit(services, async () => {
      const snapshot = await services.store.loadIssuer()
      const { unusedSeconds } = registrationPolicy(services)
      const result = newRegisteredClient(judged, { now: snapshot.now, random: services.random, unusedSeconds })
      const how = { event: 'client.registered', facts: { origin: 'registered' } } as const
      return { result, change: changeClient(snapshot, result.client, how) }
    })
    return isRefusal(registered) ? refusalAnswer(registered) : registrationAnswer(services, 201, registered)
  }
}

/** Everything that is registered, with what is shown once (RFC 7591 §3.2.1, RFC 7592 §3). */
export function registrationAnswer(
  services: Services,
  status: 200 | 201,
  answered: Partial<WithSecrets> & Pick<WithSecrets, 'client'>,
): HttpAnswer {
  const { client, secret, registrationToken } = answered
  return json(status, {
    ...metadataOfClient(client),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...(registrationToken !== undefined && { registration_access_token: registrationToken }),
    registration_client_uri: `${services.config.issuer}/register/${client.id}`,
  })
}

/** An initial access token is needed, or vouches for who has one; one that is wrong is wrong everywhere. */
function judgeRegistrant(services: Services, http: HttpRequest): { isVouchedFor: boolean } | Refusal {
  const { mode, tokenHashes } = registrationPolicy(services)
  if (mode === 'closed') return refuse('registration_closed')
  const token = bearerToken(http)
  if (token === undefined) return mode === 'open' ? { isVouchedFor: false } : refuse('token_missing')
  return placeOfHash(tokenHashes, token) >= 0 ? { isVouchedFor: true } : refuse('registration_token_invalid')
}

/** Wrong ones count too: each costs a look, and a fetch perhaps. */
async function limitRegistrations(services: Services, ip: string): Promise<Refusal | undefined> {
  const { perHour } = registrationPolicy(services)
  const limit = { kind: 'registrations', attempts: perHour, windowSeconds: 3600 }
  const { allowed, retryAfterSeconds } = await services.counters.take(limit, addressKey(ip))
  return allowed ? undefined : refuse('too_many_attempts', { retryAfterSeconds })
}
