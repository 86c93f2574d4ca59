import { type Client, changeClient, changesSubjects, clientSecretMatches, placeOfHash } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { ClientSnapshot } from '@countersign/store'
import { bearerToken } from '../clients/registration/bearer-token.ts'
import { type ClientMetadata, readMetadataOf, wrongMember } from '../clients/registration/client-metadata.ts'
import { changedRegisteredClient, judgeMetadata } from '../clients/registration/registered-client.ts'
import { noContent, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpRequest } from '../http/message.ts'
import { addressKey } from '../passwords/address-key.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { registrationAnswer } from './register.ts'

/*
 * The management of a registration by whoever holds its token (RFC 7592). Of a change the token is exchanged; the one before is good until the new one is
 * used, so that a lost answer locks nobody out.
 */

/** `GET /register/{client}` (RFC 7592 §2.1). A secret cannot be shown again. */
export function readRegistration(services: Services): Endpoint {
  return async http => {
    const outcome = await decideAndCommit(services, async () => {
      const owned = await authorizeOwner(services, http)
      if (isRefusal(owned)) return owned
      const { client } = owned
      if (client.registrationTokenHashes.length === owned.hashes.length) return { result: { client } }
      // The new token has arrived: the one before is good no more.
      const narrowed = { ...client, registrationTokenHashes: owned.hashes }
      return { result: { client }, change: changeClient(owned, narrowed, { event: 'client.changed', facts: bySelf }) }
    })
    return isRefusal(outcome) ? refusalAnswer(outcome) : registrationAnswer(services, 200, outcome)
  }
}

const changesOfClient = { kind: 'changes of a registered client', attempts: 20, windowSeconds: 3600 }
const changesFromAddress = { kind: 'changes of registered clients', attempts: 100, windowSeconds: 3600 }

/** `PUT /register/{client}` (RFC 7592 §2.2): replaces everything that was said. */
export function changeRegistration(services: Services): Endpoint {
  return async http => {
    const metadata = readMetadataOf(http)
    const first = await authorizeOwner(services, http)
    if (isRefusal(first)) return refusalAnswer(first)
    const limited = await limitChanges(services, first.client.id, http.ip)
    if (limited !== undefined) return refusalAnswer(limited)
    if (isRefusal(metadata)) return refusalAnswer(metadata)
    if (metadata.client_id !== first.client.id) return refusalAnswer(wrongMember('client_id'))
    const { client_secret: secret } = metadata
    if (secret !== undefined && !clientSecretMatches(first.client, secret, first.now)) {
      return refusalAnswer(wrongMember('client_secret'))
    }
    // What somebody has vouched for once, it keeps.
    const isVouchedFor = first.client.grantTypes.includes('client_credentials')
    const said = keepingNoScope(first.client, metadata)
    const judged = await judgeMetadata(services, said, { isVouchedFor, defaultMethod: 'client_secret_basic' })
    if (isRefusal(judged)) return refusalAnswer(judged)
    const outcome = await decideAndCommit(services, async () => {
      const owned = await authorizeOwner(services, http)
      if (isRefusal(owned)) return owned
      const presented = { ...owned.client, registrationTokenHashes: owned.hashes.slice(0, 1) }
      const result = changedRegisteredClient(presented, judged, services.random)
      if (isRefusal(result)) return result
      // Known by another `sub` from now on: it must not go on with what speaks of the old one.
      const ends = changesSubjects(owned.client, result.client)
      return { result, change: changeClient(owned, result.client, { event: 'client.changed', ends, facts: bySelf }) }
    })
    return isRefusal(outcome) ? refusalAnswer(outcome) : registrationAnswer(services, 200, outcome)
  }
}

/**
 * A client that asked for scopes of which it could have none was told of none. Sending back what it was told, it asks for none again, not for all that there
 * are (CVE-2026-107623).
 */
function keepingNoScope(client: Client, metadata: ClientMetadata): ClientMetadata {
  return client.scopes.length === 0 && metadata.scope === undefined ? { ...metadata, scope: '' } : metadata
}

/** `DELETE /register/{client}` (RFC 7592 §2.3): everything that it was given is dead. */
export function deleteRegistration(services: Services): Endpoint {
  return async http => {
    const outcome = await decideAndCommit(services, async () => {
      const owned = await authorizeOwner(services, http)
      if (isRefusal(owned)) return owned
      return {
        result: {},
        change: changeClient(owned, forgotten(owned), { event: 'client.revoked', ends: true, facts: bySelf }),
      }
    })
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}

/**
 * Each may be an entry that every API holds, a row of the audit log and a call of somebody else's server: neither a client nor whoever has many of them may
 * fill the one or trouble the other. Refused ones count too.
 */
async function limitChanges({ counters }: Services, clientId: string, ip: string): Promise<Refusal | undefined> {
  const ofClient = await counters.take(changesOfClient, clientId)
  if (!ofClient.allowed) return refuse('too_many_attempts', { retryAfterSeconds: ofClient.retryAfterSeconds })
  const ofAddress = await counters.take(changesFromAddress, addressKey(ip))
  if (ofAddress.allowed) return undefined
  return refuse('too_many_attempts', { retryAfterSeconds: ofAddress.retryAfterSeconds })
}

const bySelf = { by: 'client' }

/** Switched off for good. If nobody has used it the next sweep takes the row; else logins refer to it, and it stays. */
function forgotten({ client, now }: ClientSnapshot): Client {
  const expiresAt = client.expiresAt === null ? null : now
  return { ...client, disabled: true, secretHashes: [], secretEnds: {}, registrationTokenHashes: [], expiresAt }
}

/** In the place of a client that is not there. */
const nobodysHashes = ['A'.repeat(43)]

/**
 * Who holds the token of the registration that is named. Whether there is no such client or another token is not told (RFC 7592 §2.1). `hashes`: of the tokens that
 * are good once this one has been used, the presented one first.
 */
async function authorizeOwner(
  services: Services,
  http: HttpRequest,
): Promise<(ClientSnapshot & { readonly hashes: readonly string[] }) | Refusal> {
  const token = bearerToken(http)
  if (token === undefined) return refuse('token_missing')
  const found = await services.store.loadClient(http.params.client ?? '')
  const hashes = found?.client.registrationTokenHashes ?? nobodysHashes
  const place = placeOfHash(hashes, token)
  if (found === undefined || place < 0 || found.client.disabled || found.client.origin !== 'registered') {
    return refuse('registration_token_invalid')
  }
  return { ...found, hashes: place === 0 ? hashes.slice(0, 1) : [...hashes].reverse() }
}
