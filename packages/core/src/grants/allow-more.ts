import { grantEntryId } from '@countersign/protocol'
import type { Change } from '../change.ts'
import { type Client, needsGrant } from '../clients/client.ts'
import { epochEntry } from '../revocation/entries.ts'
import { personalOf } from '../sessions/end-sessions.ts'
import type { Device } from '../sessions/session.ts'
import type { SessionOnlySnapshot } from '../snapshots.ts'
import type { Grant } from './grant.ts'

/**
 * The user allows a client these scopes and audiences, besides what they have allowed it before. `undefined` if the client is served under no grant. Where
 * it may have one live authorization alone, those before end with this one.
 */
export function allowMore(request: {
  readonly login: SessionOnlySnapshot
  readonly client: Client
  readonly grant: Grant | undefined
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  readonly device: Device
}): { readonly grant: Grant; readonly change: Change } | undefined {
  const { client, login } = request
  if (!needsGrant(client)) return undefined
  const { now, user, issuer } = login
  const before = request.grant
  const standing = before?.withdrawnAt === null ? before : undefined
  const endsOthers = client.oneAuthorizationPerUser && standing !== undefined
  const grant: Grant = {
    userId: user.id,
    clientId: client.id,
    scopes: [...new Set([...(standing?.scopes ?? []), ...request.scopes])],
    audiences: [...new Set([...(standing?.audiences ?? []), ...request.audiences])],
    createdAt: before?.createdAt ?? now,
    allowedAt: now,
    withdrawnAt: null,
    epoch: (before?.epoch ?? 1) + Number(endsOthers),
    version: before?.version ?? 0,
  }
  const change: Change = {
    writes: [{ table: 'grant', row: grant }],
    audit: [
      {
        event: 'grant.allowed',
        time: now,
        userId: user.id,
        clientId: client.id,
        sessionId: login.session.id,
        facts: { scope: request.scopes.join(' ') },
        ...personalOf(request.device),
      },
    ],
    entries: endsOthers ? [epochEntry('grant', grantEntryId(user.id, client.id), grant.epoch, now, issuer)] : [],
    durable: true,
    time: now,
  }
  return { grant, change }
}
