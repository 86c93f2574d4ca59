import { createHash, randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import {
  type AuthenticatedClient,
  type AuthorizationCode,
  type Change,
  type Client,
  type CodeDecision,
  codeLifetimeSeconds,
  currentEpochs,
  type Device,
  declareClient,
  deriveKey,
  deriveRefreshToken,
  newUser as emptyUser,
  type Family,
  type Grant,
  hashCode,
  type Instant,
  redeemCode as judgeCode,
  type KeyRing,
  makeId,
  needsLogins,
  openBrowserSession,
  openLogin,
  openRefreshToken,
  type RandomBytes,
  type RefreshDecision,
  type RefreshKeyMaterial,
  redeemRefreshToken,
  type Session,
  seal,
  type User,
} from '@countersign/core'
import type { Store, StoreOptions } from './store.ts'

/*
 * What tests begin with: `import * as given from '@countersign/store/given'`. Every builder writes to the store that it is
 * given and returns the rows as they are stored.
 */

/** Randomness of the tests; what repeats a run has its own. */
export const random: RandomBytes = randomBytes

/** A clock that stands still until it is told. */
export interface TestClock {
  readonly now: () => Instant
  /** Seconds; negative sets it back. */
  readonly advance: (seconds: number) => void
}

export function clock(start: Instant = Date.UTC(2026, 10, 1)): TestClock {
  let now = start
  return {
    now: () => now,
    advance: seconds => {
      now += seconds * 1000
    },
  }
}

const masterKey = Buffer.alloc(32, 7)

/** The key of every refresh token that is made here. */
export const refreshKey: RefreshKeyMaterial = { id: 1, key: deriveKey(masterKey, 'refresh 1') }

export const device: Device = { label: 'Firefox on Linux', ip: '192.0.2.7' }

/** Options of a store whose personal fields are sealed for real. */
export function storeOptions(testClock: TestClock, incarnation = 'first-history'): StoreOptions {
  return {
    clock: testClock.now,
    sealPersonal: (personal, salt) =>
      salt && seal(deriveKey(masterKey, 'personal', salt), 'audit', JSON.stringify(personal), randomBytes),
    seed: { incarnation },
  }
}

/** Commits what `make` makes; if a fresh id was taken already, it is asked again. */
export async function committed<T extends { change: Change }>(store: Store, make: () => T): Promise<T> {
  for (;;) {
    const made = make()
    if ((await store.commit(deeplyFrozen(made.change))) === 'committed') return made
  }
}

/** A change of the given rows and nothing else. */
export function change(writes: Change['writes'], more: Partial<Change> = {}): Change {
  return { writes, audit: [], entries: [], durable: true, time: 0, ...more }
}

/** Makes everything that can be frozen immutable: an engine that writes to what it was given fails. */
export function deeplyFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const member of Object.values(value)) deeplyFrozen(member)
  return Object.freeze(value)
}

/** A first-party client; the one that is stored if there is one of this id. */
export async function client(store: Store, declaration: Partial<Client> = {}): Promise<Client> {
  const declared = declareClient({ id: 'demo', firstParty: true, directLogin: true, ...clientDefaults, ...declaration })
  await store.commit(change([{ table: 'client', row: declared }]))
  const stored = await store.loadClient(declared.id)
  if (stored === undefined) throw new Error('the client was not stored')
  return stored.client
}

const clientDefaults = {
  redirectUris: ['https://app.example/callback'],
  scopes: ['account', 'profile'],
  defaultScopes: ['account'],
  audiences: ['https://api.example'],
}

/** A user with an address of their own. */
export async function user(store: Store, fields: Partial<User> = {}): Promise<User> {
  const { now } = await store.loadIssuer()
  const made = await committed(store, () => {
    const row = newUser(now, fields)
    return { row, change: change([{ table: 'user', row }]) }
  })
  return stored(made.row)
}

/** A user that is not stored yet. */
export function newUser(now: Instant, fields: Partial<User> = {}): User {
  return emptyUser({
    id: makeId(now, randomBytes),
    email: `${randomBytes(6).toString('hex')}@example.org`,
    name: 'Somebody',
    createdAt: now,
    sealSalt: randomBytes(16),
    ...fields,
  })
}

/** A login and the refresh token that it gave (generation 0). */
export interface Login {
  readonly user: User
  readonly client: Client
  readonly session: Session
  readonly family: Family
  readonly token: string
}

/** A login by the client itself, unbound unless `jkt` says otherwise. */
export async function login(
  store: Store,
  more: { user?: User; client?: Client; jkt?: string; device?: Device } = {},
): Promise<Login> {
  const owner = more.user ?? (await user(store))
  const app = more.client ?? (await client(store))
  const { now, issuer } = await store.loadIssuer()
  const made = await committed(store, () =>
    openLogin({
      snapshot: { now, issuer },
      user: owner,
      client: app,
      device: more.device ?? device,
      amr: ['pwd'],
      random: randomBytes,
      scope: app.defaultScopes.join(' '),
      jkt: more.jkt,
    }),
  )
  const family = stored(made.family)
  return { user: owner, client: app, session: stored(made.session), family, token: token(family) }
}

/** A login whose refresh token was rotated once: `spent` is the one before, `current` its successor. */
export async function rotatedFamily(
  store: Store,
  testClock: TestClock,
  more: Parameters<typeof login>[1] = {},
): Promise<Login & { spent: string; current: string }> {
  const first = await login(store, more)
  testClock.advance(first.client.refresh.minimumLifeSeconds)
  const decision = await redeem(store, first.token, { jkt: more.jkt })
  if (decision.outcome.refused || decision.row !== 5) throw new Error(`row ${decision.row} instead of a rotation`)
  const family = stored(decision.outcome.family)
  return { ...first, family, spent: first.token, current: token(family) }
}

/** The refresh token of a family's generation; by default the current one. */
export function token(family: Family, generation: number = family.generation): string {
  return deriveRefreshToken(refreshKey, { ...family, generation })
}

/** A thumbprint such as a DPoP key has. */
export function jkt(): string {
  return randomBytes(32).toString('base64url')
}

/** A session of the hosted pages. */
export async function browserSession(store: Store, owner?: User): Promise<{ user: User; session: Session }> {
  const signedIn = owner ?? (await user(store))
  const { now, issuer } = await store.loadIssuer()
  const made = await committed(store, () =>
    openBrowserSession({ snapshot: { now, issuer }, user: signedIn, device, amr: ['pwd'], random: randomBytes }),
  )
  return { user: signedIn, session: stored(made.session) }
}

/** What a user has allowed a client. */
export async function grant(store: Store, more: { user: User; client: Client } & Partial<Grant>): Promise<Grant> {
  const { user: owner, client: app, ...fields } = more
  const { now } = await store.loadIssuer()
  const row: Grant = {
    userId: owner.id,
    clientId: app.id,
    scopes: app.defaultScopes,
    audiences: app.audiences,
    createdAt: now,
    allowedAt: now,
    withdrawnAt: null,
    epoch: 1,
    version: 0,
    ...fields,
  }
  await committed(store, () => ({ change: change([{ table: 'grant', row }]) }))
  return stored(row)
}

/** An authorization code, and what redeems it. */
export interface GivenCode {
  readonly code: string
  readonly verifier: string
  readonly row: AuthorizationCode
  readonly user: User
  readonly session: Session
  readonly client: Client
}

export async function code(
  store: Store,
  more: { user?: User; client?: Client; session?: Session; grant?: Grant } = {},
): Promise<GivenCode> {
  const { user, session, grant } = more
  const signedIn = user && session ? { user, session } : await browserSession(store, user)
  const app = more.client ?? (await client(store))
  const { now, issuer } = await store.loadIssuer()
  const text = randomBytes(32).toString('base64url')
  const verifier = randomBytes(32).toString('base64url')
  const row: AuthorizationCode = {
    hash: hashCode(text),
    clientId: app.id,
    userId: signedIn.user.id,
    sessionId: signedIn.session.id,
    redirectUri: app.redirectUris[0] ?? '',
    challenge: createHash('sha256').update(verifier).digest('base64url'),
    scope: app.defaultScopes.join(' '),
    audiences: app.audiences,
    authentication: { at: signedIn.session.authenticatedAt, amr: signedIn.session.amr },
    nonce: null,
    claims: null,
    jkt: null,
    expiresAt: now + codeLifetimeSeconds * 1000,
    usedAt: null,
    familyId: null,
    failures: 0,
    epochs: currentEpochs({ issuer, user: signedIn.user, client: app, grant }),
    version: 0,
  }
  await committed(store, () => ({ change: change([{ table: 'code', row }]) }))
  return { ...signedIn, client: app, code: text, verifier, row: stored(row) }
}

/** A key ring with the one refresh key of these tests. */
export async function keyRing(store: Store): Promise<KeyRing> {
  const { keyRing: ring, now } = await store.loadIssuer()
  const born = { createdAt: now, activatedAt: now, retiringAt: null, retiredAt: null }
  const row: KeyRing = { ...ring, refresh: [{ id: refreshKey.id, state: 'active', ...born }] }
  await committed(store, () => ({ change: change([{ table: 'keyRing', row }]) }))
  return stored(row)
}

/** Presents a refresh token as the endpoint does: load, decide, commit, and all again on a conflict. */
export async function redeem(
  store: Store,
  text: string,
  more: { jkt?: string | undefined; device?: Device; client?: Client } = {},
): Promise<RefreshDecision> {
  const opened = openRefreshToken(text, id => (id === refreshKey.id ? refreshKey.key : undefined))
  if (typeof opened === 'string') throw new Error(`the token is ${opened}`)
  for (;;) {
    const snapshot = await store.loadFamily(opened.familyId)
    if (snapshot === undefined) throw new Error('the family is not stored')
    const decision = redeemRefreshToken({
      token: opened,
      snapshot,
      client: (more.client ?? snapshot.client) as AuthenticatedClient,
      jkt: more.jkt,
      device: more.device ?? device,
    })
    if (decision.change === undefined || (await store.commit(decision.change)) === 'committed') return decision
  }
}

/** Redeems a code as the endpoint does. */
export async function redeemCode(
  store: Store,
  presented: Pick<GivenCode, 'code' | 'verifier'>,
  more: { client?: Client } = {},
): Promise<CodeDecision> {
  for (;;) {
    const decision = await judgedCode(store, presented, more)
    if (decision.change === undefined || (await store.commit(decision.change)) === 'committed') return decision
  }
}

/** A code's redemption, decided and not committed. */
export async function judgedCode(
  store: Store,
  presented: Pick<GivenCode, 'code' | 'verifier'>,
  more: { client?: Client } = {},
): Promise<CodeDecision> {
  const snapshot = await store.loadCode(hashCode(presented.code))
  if (snapshot === undefined) throw new Error('the code is not stored')
  return judgeCode({
    snapshot,
    client: (more.client ?? snapshot.client) as AuthenticatedClient,
    redirectUri: snapshot.code.redirectUri,
    verifier: presented.verifier,
    jkt: undefined,
    device,
    random: randomBytes,
    logins: needsLogins(snapshot) ? await store.listSessions(snapshot.user.id) : [],
  })
}

/** A row as it is once written. */
export function stored<R extends { readonly version: number }>(row: R): R {
  return { ...row, version: row.version + 1 }
}

/** Fails after a minute. Rests between tries: other test files run in the same process. */
export async function becomesSo(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const minute = { signal: AbortSignal.timeout(60_000) }
  while (!(await isSo())) await setTimeout(20, undefined, minute)
}
