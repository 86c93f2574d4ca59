import { type Refusal, refuse } from '@countersign/protocol'
import type { AuditRecord } from '../audit/audit.ts'
import type { Change, Write } from '../change.ts'
import { makeId, type RandomBytes } from '../ids.ts'
import { personalOf } from '../sessions/end-sessions.ts'
import type { Device } from '../sessions/session.ts'
import type { IdentitySnapshot } from '../snapshots.ts'
import { type Acceptance, fieldsOfInvited } from '../users/change-invitation.ts'
import { emailKey } from '../users/email-address.ts'
import type { Profile } from '../users/profile.ts'
import { type Identity, mayUse, newIdentity, newUser, type ToldPerson, type User } from '../users/user.ts'

/** Somebody comes from a connection, which has said who they are. */
export interface Arrival {
  readonly snapshot: IdentitySnapshot
  readonly connection: string
  /** The id at the connection. */
  readonly subject: string
  /** `emailVerified` only if the connection's word is trusted. */
  readonly told: ToldPerson
  /** The user who has the address that was told, if it is verified and somebody has it. */
  readonly addressOwner: User | undefined
  /** `undefined`: none are kept. */
  readonly sealedTokens: string | undefined
  /** Why nobody new may come this way; `undefined`: anybody may. */
  readonly refusesNew: 'signup_closed' | 'invitation_required' | undefined
  /** With it somebody new may, and gets its address. */
  readonly accepted?: Acceptance
  readonly device: Device
  readonly random: RandomBytes
}

/** Whose sign-in it is, and what it changes; to be committed together with the session that it opens. */
export interface Arrived {
  readonly user: User
  /** Absent: nothing is written. */
  readonly change?: Change
}

/**
 * Decides whose sign-in it is (docs/decisions/0013). Whoever has the identity, and nobody else: an address never leads to an account that was there before, not
 * even a verified one (attack 34). What is unchanged is not written.
 */
export function judgeArrival(arrival: Arrival): Arrived | Refusal {
  const { user, identity } = arrival.snapshot
  if (user === undefined || identity === undefined) return comeFirst(arrival)
  if (!mayUse(user)) return refuse('user_disabled')
  const [nextIdentity, nextUser] = [retold(arrival, identity), updated(arrival, identity, user)]
  const writes: Write[] = []
  if (nextUser !== user) writes.push({ table: 'user', row: nextUser })
  if (nextIdentity !== identity) writes.push({ table: 'identity', row: nextIdentity })
  if (writes.length === 0) return { user }
  const change = { writes, audit: [], entries: [], durable: true, time: arrival.snapshot.now }
  return { user: nextUser, change }
}

/** The first sign-in with this identity makes a user. */
function comeFirst(arrival: Arrival): Arrived | Refusal {
  const { snapshot, connection, subject, told, accepted, device, random } = arrival
  if (arrival.addressOwner !== undefined) return refuse('connection_account_exists')
  if (arrival.refusesNew !== undefined && accepted === undefined) return refuse(arrival.refusesNew)
  const { now } = snapshot
  const email = vouchedAddress(told)
  const user = newUser({
    id: makeId(now, random),
    // An address that nobody vouches for would keep it from its owner (GHSA-qq9h-g4jm-xgf3).
    email: email ?? null,
    emailVerifiedAt: email === undefined ? null : now,
    name: told.name ?? null,
    profile: told.profile,
    firstIdentity: firstIdentityOf(snapshot, { connection, subject }),
    createdAt: now,
    sealSalt: random(16),
    ...(accepted && fieldsOfInvited(accepted, { now, isVouched: isSameAddress(email, accepted.email) })),
  })
  const facts = { connection, ...accepted?.facts }
  const audit: AuditRecord = { event: 'user.created', time: now, userId: user.id, facts }
  const change: Change = {
    writes: [{ table: 'user', row: user }, linkWrite(arrival, user), ...(accepted ? [accepted.used] : [])],
    audit: [{ ...audit, ...personalOf(device) }],
    entries: [],
    durable: true,
    time: now,
  }
  return { user, change }
}

/**
 * What a `sub` may be made of for who comes first with an identity: nothing if it was somebody else's before, who may still be called by it. Whoever took over an account
 * with a provider that was taken off here would be its owner to applications.
 */
export function firstIdentityOf(
  { identity }: Pick<IdentitySnapshot, 'identity'>,
  { connection, subject }: Pick<Identity, 'connection' | 'subject'>,
): User['firstIdentity'] {
  return identity === undefined ? { connection, subject } : null
}

/** The row that says that the identity is this user's: a new one, or one that was taken off somebody before. */
export function linkWrite(
  { snapshot, connection, subject, told, sealedTokens }: Omit<Arrival, 'addressOwner' | 'refusesNew' | 'random'>,
  user: User,
): Write {
  const { now, identity } = snapshot
  const row = newIdentity({
    connection,
    subject,
    userId: user.id,
    linkedAt: now,
    told,
    sealedTokens: sealedTokens ?? null,
  })
  return { table: 'identity', row: { ...row, version: identity?.version ?? 0 } }
}

/** The identity with what was told and given now; the same object if that is the same as before. */
function retold({ told, sealedTokens }: Arrival, identity: Identity): Identity {
  const isSame = identity.told !== null && sameText(identity.told, told)
  if (isSame && sealedTokens === undefined) return identity
  return { ...identity, told, sealedTokens: sealedTokens ?? identity.sealedTokens }
}

/**
 * The user with what has changed at the connection since it told of them last: what it says as before leaves alone what has become of it here. The same object if
 * nothing has changed.
 */
function updated({ snapshot, told, addressOwner }: Arrival, { told: before }: Identity, user: User): User {
  const profile = changedProfile(user.profile, before?.profile ?? {}, told.profile)
  const name = told.name !== undefined && told.name !== before?.name ? told.name : user.name
  const address = vouchedAddress(told)
  const confirms = address !== undefined && user.email !== null && emailKey(address) === emailKey(user.email)
  const verifiedAt = user.emailVerifiedAt ?? (confirms ? snapshot.now : null)
  // The first address that is vouched for, if nobody has it.
  const gains = user.email === null && address !== undefined && addressOwner === undefined
  if (profile === user.profile && name === user.name && verifiedAt === user.emailVerifiedAt && !gains) return user
  return {
    ...user,
    name,
    profile: { ...profile, updatedAt: snapshot.now },
    emailVerifiedAt: gains ? snapshot.now : verifiedAt,
    ...(gains && { email: address }),
  }
}

function changedProfile(profile: Profile, before: Profile, told: Profile): Profile {
  const names = new Set([...Object.keys(before), ...Object.keys(told)] as (keyof Profile)[])
  const changed = [...names].filter(name => before[name] !== told[name] && profile[name] !== told[name])
  if (changed.length === 0) return profile
  const next: Record<string, unknown> = { ...profile }
  for (const name of changed) {
    if (told[name] === undefined) delete next[name]
    else next[name] = told[name]
  }
  return next
}

function isSameAddress(one: string | undefined, other: string): boolean {
  return one !== undefined && emailKey(one) === emailKey(other)
}

/** The address if it is one, and the connection vouches for it. */
export function vouchedAddress({ email, emailVerified }: ToldPerson): string | undefined {
  return email !== undefined && emailVerified && emailKey(email) !== null ? email.trim() : undefined
}

function sameText(one: ToldPerson, other: ToldPerson): boolean {
  const text = ({ email, emailVerified, name, profile }: ToldPerson): string =>
    JSON.stringify([
      email ?? null,
      emailVerified,
      name ?? null,
      Object.entries(profile).sort(([a], [b]) => (a < b ? -1 : 1)),
    ])
  return text(one) === text(other)
}
