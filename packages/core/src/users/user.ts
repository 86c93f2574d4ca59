import type { Instant } from '../ids.ts'
import { noProfile, type Profile } from './profile.ts'
import { noRights, type Rights } from './rights.ts'

/** A person's account. */
export interface User {
  readonly id: string
  /** As the user wrote it; null after erasure. */
  readonly email: string | null
  /** When it was shown that the address is the user's; null: never. */
  readonly emailVerifiedAt: Instant | null
  readonly name: string | null
  readonly profile: Profile
  readonly rights: Rights
  /** Raised with everything that tokens may tell of the user; those that tell less of late than they could are outdated (`claims` in the feed), and nothing else is. */
  readonly claimsEpoch: number
  /** A PHC string, or null: signs in by other means. */
  readonly passwordHash: string | null
  /** How the first connection that knew them called them; null: none, they began with a password. Never changes, so that a `sub` may be made of it. */
  readonly firstIdentity: Pick<Identity, 'connection' | 'subject'> | null
  readonly disabledAt: Instant | null
  readonly deletedAt: Instant | null
  readonly createdAt: Instant
  /** Personal fields of the audit log are sealed under a key made from this; erasing it erases them. */
  readonly sealSalt: Buffer | null
  readonly epoch: number
  readonly version: number
}

/** A user as one connection knows them. One row per id at the connection, for ever: taken off one user, it may come to another. */
export interface Identity {
  readonly connection: string
  /** The id at the connection. */
  readonly subject: string
  /** Whose it is, or was last. */
  readonly userId: string
  readonly linkedAt: Instant
  /** When it was taken off the user; null while it stands. */
  readonly unlinkedAt: Instant | null
  /** What the connection said of the person last; null: nothing. */
  readonly told: ToldPerson | null
  /** The provider's tokens, sealed; null: none are kept. */
  readonly sealedTokens: string | null
  readonly version: number
}

/** What a connection says of a person. */
export interface ToldPerson {
  readonly email?: string
  readonly emailVerified: boolean
  readonly name?: string
  readonly profile: Profile
}

/** Names of connections that begin so are back ends' own: what they know their users by. Nobody signs in with one on a page. */
export const backEndConnectionPrefix = 'trusted:'

/** Whether it is by this identity that a trusted back end knows the user. */
export function isOfBackEnd({ connection }: Pick<Identity, 'connection'>): boolean {
  return connection.startsWith(backEndConnectionPrefix)
}

/** An identity as it begins. */
export function newIdentity(
  made: Pick<Identity, 'connection' | 'subject' | 'userId' | 'linkedAt'> & Partial<Identity>,
): Identity {
  return { unlinkedAt: null, told: null, sealedTokens: null, version: 0, ...made }
}

/** A user as they begin: whatever is not said is not known. */
export function newUser(made: Pick<User, 'id' | 'createdAt' | 'sealSalt'> & Partial<User>): User {
  return {
    email: null,
    emailVerifiedAt: null,
    name: null,
    profile: noProfile,
    rights: noRights,
    claimsEpoch: 0,
    passwordHash: null,
    firstIdentity: null,
    disabledAt: null,
    deletedAt: null,
    epoch: 1,
    version: 0,
    ...made,
  }
}

/** What is left of a user who was deleted: nothing personal, and nothing to sign in with. */
export function erased(
  now: Instant,
): Pick<
  User,
  | 'deletedAt'
  | 'email'
  | 'emailVerifiedAt'
  | 'name'
  | 'profile'
  | 'rights'
  | 'passwordHash'
  | 'firstIdentity'
  | 'sealSalt'
> {
  return {
    deletedAt: now,
    email: null,
    emailVerifiedAt: null,
    name: null,
    profile: noProfile,
    rights: noRights,
    passwordHash: null,
    firstIdentity: null,
    sealSalt: null,
  }
}

export function mayUse(user: User): boolean {
  return user.disabledAt === null && user.deletedAt === null
}

/** The names of the ways in which a user can sign in: a password, and each connection. */
export function waysIn(hasPassword: boolean, identities: readonly Pick<Identity, 'connection'>[]): string[] {
  return [...(hasPassword ? ['password'] : []), ...identities.map(({ connection }) => connection)]
}
