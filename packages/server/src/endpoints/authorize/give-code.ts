import {
  type AuthorizationCode,
  codeLifetimeSeconds,
  currentEpochs,
  type Grant,
  hashCode,
  type SessionOnlySnapshot,
  useUp,
  type Write,
} from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { pageOfRefusal } from '../../hosted/page-answers.ts'
import type { HttpAnswer } from '../../http/message.ts'
import { answerClient } from './authorization-answer.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

const codesAMinute = 20

/** So many codes a minute for one session: each is a row on the disk, and a browser can ask for thousands a second. */
export async function limitCodes(
  { counters }: HostedServices,
  { session }: SessionOnlySnapshot,
): Promise<Refusal | undefined> {
  const { allowed, retryAfterSeconds } = await counters.take(`codes ${session.id}`, codesAMinute, 60)
  return allowed ? undefined : refuse('too_many_attempts', { retryAfterSeconds })
}

/** Durable before it is answered: the code is an acknowledged login. */
export async function giveCode(
  services: HostedServices,
  request: AuthorizationRequest,
  login: SessionOnlySnapshot,
  grant: Grant | undefined,
): Promise<HttpAnswer> {
  const code = services.random(32).toString('base64url')
  const { now, issuer, session, user } = login
  const { client, redirectUri, challenge, scope, audiences, nonce, claims, jkt, pushed } = request
  const row: AuthorizationCode = {
    hash: hashCode(code),
    clientId: client.id,
    userId: user.id,
    sessionId: session.id,
    redirectUri,
    challenge,
    scope,
    audiences,
    nonce,
    claims,
    jkt,
    expiresAt: now + codeLifetimeSeconds * 1000,
    usedAt: null,
    familyId: null,
    failures: 0,
    // What it was begun under: a password change in between outlives it.
    epochs: { ...currentEpochs({ issuer, user, client, grant }) },
    version: 0,
  }
  const writes: readonly Write[] = [{ table: 'code', row }, ...(pushed === null ? [] : [useUp(pushed, now)])]
  const outcome = await services.store.commit({ writes, audit: [], entries: [], durable: true, time: now })
  // Somebody else came with the same request at the same time: it leads to one code.
  if (outcome === 'conflict' && pushed !== null) return pageOfRefusal(services, refuse('request_uri_invalid'))
  if (outcome === 'conflict') throw new StoreUnavailable('A code could not be stored.')
  return answerClient(services, request, { code })
}
