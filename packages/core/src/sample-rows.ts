import { createHash } from 'node:crypto'
import type { Change } from './change.ts'
import { type AuthenticatedClient, type Client, declareClient } from './clients/client.ts'
import type { Grant } from './grants/grant.ts'
import type { Instant, RandomBytes } from './ids.ts'
import type { Issuer } from './issuer.ts'
import { openLogin } from './sessions/open-session.ts'
import type { Device } from './sessions/session.ts'
import type { FamilySnapshot } from './snapshots.ts'
import { noProfile } from './users/profile.ts'
import { noRights } from './users/rights.ts'
import type { User } from './users/user.ts'

/*
 * Rows for the tests of this package: what a store would hold after one sign-in. Made by the real code, with a clock and
 * randomness that every run repeats.
 */

export const sampleTime: Instant = Date.UTC(2026, 10, 2, 9)
export const sampleDevice: Device = { label: 'Firefox on Linux', ip: '192.0.2.1' }

/** Bytes that look random and are the same in every run. */
export function sampleRandom(seed = 'sample'): RandomBytes {
  let count = 0
  return length => {
    const blocks: Buffer[] = []
    for (let have = 0; have < length; have += 32) {
      blocks.push(createHash('sha256').update(`${seed} ${count++}`).digest())
    }
    return Buffer.concat(blocks).subarray(0, length)
  }
}

export function sampleIssuer(more: Partial<Issuer> = {}): Issuer {
  return {
    epoch: 1,
    incarnation: 'sample',
    restoredAt: null,
    longestAccessTokenSeconds: 900,
    version: 1,
    ...more,
  }
}

export function sampleUser(more: Partial<User> = {}): User {
  return {
    id: 'AZxSample-User--000001',
    email: 'maria@example.com',
    emailVerifiedAt: null,
    name: 'Maria',
    profile: noProfile,
    rights: noRights,
    claimsEpoch: 0,
    passwordHash: null,
    firstIdentity: null,
    disabledAt: null,
    deletedAt: null,
    createdAt: sampleTime,
    sealSalt: null,
    epoch: 1,
    version: 1,
    ...more,
  }
}

export function sampleClient(more: Partial<Client> = {}): Client {
  return declareClient({
    id: 'demo',
    scopes: ['account', 'notes'],
    audiences: ['https://api.example'],
    version: 1,
    ...more,
  })
}

export function sampleGrant(more: Partial<Grant> = {}): Grant {
  return {
    userId: sampleUser().id,
    clientId: 'demo',
    scopes: ['account'],
    audiences: ['https://api.example'],
    createdAt: sampleTime,
    allowedAt: sampleTime,
    withdrawnAt: null,
    epoch: 1,
    version: 1,
    ...more,
  }
}

/** What only `authenticateClient` may do outside tests. */
export function authenticated(client: Client): AuthenticatedClient {
  return client as AuthenticatedClient
}

/** The rows of one direct login, as they are right after it. */
export function sampleSignIn(
  more: { client?: Client; user?: User; issuer?: Issuer; jkt?: string | undefined; random?: RandomBytes } = {},
): FamilySnapshot {
  const { client = sampleClient(), user = sampleUser(), issuer = sampleIssuer() } = more
  const { session, family } = openLogin({
    snapshot: { now: sampleTime, issuer },
    user,
    client,
    device: sampleDevice,
    amr: ['pwd'],
    random: more.random ?? sampleRandom(),
    scope: 'account notes',
    jkt: more.jkt,
  })
  return {
    now: sampleTime,
    issuer,
    user,
    client,
    grant: undefined,
    session: { ...session, version: 1 },
    family: { ...family, version: 1 },
  }
}

/** What the rows are once a change is committed; `'conflict'` as a store would say it. */
export function committed(rows: FamilySnapshot, change: Change): FamilySnapshot | 'conflict' {
  let after = rows
  for (const { table, row } of change.writes) {
    if (table !== 'family' && table !== 'session' && table !== 'user') throw new Error(`no row of ${table} here`)
    if (row.id !== rows[table].id) throw new Error(`another ${table}`)
    if (row.version !== rows[table].version) return 'conflict'
    after = { ...after, [table]: { ...row, version: row.version + 1 } }
  }
  return after
}
