import {
  type AuthorizationCode,
  allowGrant,
  type Change,
  codeLifetimeSeconds,
  currentEpochs,
  type Grant,
  grantCovers,
  hashCode,
  needsGrant,
  type SessionOnlySnapshot,
  useUp,
} from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Limit } from '@countersign/store'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import type { HttpAnswer, HttpRequest } from '../../http/message.ts'
import { deviceOf } from '../../sign-in/device-of.ts'
import type { Admitted } from './admit.ts'
import { answerClient, redirectError } from './authorization-answer.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

/** How many codes one session gets. */
export const codesOfSession: Limit = { kind: 'codes of a session', attempts: 20, windowSeconds: 60 }

/**
 * The code, in one commit with all that it stands on: the grant, if the user has just said yes (`allowed`) or need not be asked, and the mark and the pushed request that are used up.
 * Durable before it is answered: the code is an acknowledged login. `conflict`: something has changed meanwhile, and all is to be judged anew.
 */
export async function giveCode(
  services: HostedServices,
  http: HttpRequest,
  admitted: Admitted,
  { allowed }: { allowed: boolean },
): Promise<HttpAnswer | 'conflict'> {
  const { request, login, mark, pushed } = admitted
  const limited = await limitCodes(services, login)
  if (limited !== undefined) return redirectError(services, request, limited, 'temporarily_unavailable')
  const code = services.random(32).toString('base64url')
  const { grant, writes, audit } = writeGrant(http, admitted, allowed)
  const row = newCode(code, request, login, grant)
  const change: Change = {
    writes: [
      { table: 'code', row },
      ...writes,
      ...(mark ? [mark.use] : []),
      ...(pushed ? [useUp(pushed, login.now)] : []),
    ],
    audit,
    entries: [],
    durable: true,
    time: login.now,
  }
  if ((await services.store.commit(change)) === 'conflict') return 'conflict'
  return answerClient(services, request, { code })
}

/** So many codes a minute for one session: each is a row on the disk, and a browser can ask for thousands a second. */
async function limitCodes(
  { counters }: HostedServices,
  { session }: SessionOnlySnapshot,
): Promise<Refusal | undefined> {
  const { allowed, retryAfterSeconds } = await counters.take(codesOfSession, session.id)
  return allowed ? undefined : refuse('too_many_attempts', { retryAfterSeconds })
}

function writeGrant(
  http: HttpRequest,
  { request, login, grant, asked }: Admitted,
  allowed: boolean,
): { grant: Grant | undefined } & Pick<Change, 'writes' | 'audit'> {
  const { client } = request
  const stands = !needsGrant(client) || (!allowed && grantCovers(grant, asked))
  if (stands) return { grant, writes: [], audit: [] }
  const made = allowGrant({ now: login.now, user: login.user, client, grant, asked, device: deviceOf(http) })
  return { grant: made.grant, writes: made.writes, audit: [made.audit] }
}

function newCode(
  code: string,
  request: AuthorizationRequest,
  { now, issuer, session, user }: SessionOnlySnapshot,
  grant: Grant | undefined,
): AuthorizationCode {
  const { client, redirectUri, challenge, scope, audiences, nonce, claims, jkt } = request
  return {
    hash: hashCode(code),
    clientId: client.id,
    userId: user.id,
    sessionId: session.id,
    redirectUri,
    challenge,
    scope,
    audiences,
    authentication: { at: session.authenticatedAt, amr: session.amr },
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
}
