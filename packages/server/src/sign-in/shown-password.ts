import { type Change, mayUse, type User } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { PasswordQueueFull } from '../passwords/password-hasher.ts'
import type { Services } from '../services.ts'
import type { SignedIn } from './signed-in.ts'

/** A password that somebody has just shown. `from` is the `addressKey` of theirs. */
export interface ShownPassword {
  readonly password: string
  readonly from: string
}

/**
 * Whether a password that was judged by a user's hash is theirs by the row as it is now. Another hash is not another password: a sign-in of theirs at the same time may have
 * upgraded it. So it is judged again.
 */
export async function isStillTheirs(
  services: Services,
  judgedBy: string | null,
  { passwordHash }: User,
  { password, from }: ShownPassword,
): Promise<boolean> {
  if (passwordHash === judgedBy) return true
  const { issuer } = await services.store.loadIssuer()
  return (await services.passwords.verify(password, passwordHash, { from, importedWork: issuer.importedWork })).matches
}

/** Who has signed in by a password, as they are now. */
export async function asTheyAreNow(
  services: Services,
  signedIn: SignedIn,
  shown: ShownPassword,
): Promise<SignedIn | Refusal> {
  const now = await services.store.loadUser(signedIn.user.id)
  const { user } = now
  if (user === undefined || !(await isStillTheirs(services, signedIn.user.passwordHash, user, shown))) {
    return refuse('login_failed')
  }
  if (!mayUse(user)) return refuse('user_disabled')
  const needsRehash = signedIn.needsRehash === true && user.passwordHash === signedIn.user.passwordHash
  return { ...now, user, amr: signedIn.amr, needsRehash }
}

/** A hash of ours in the place of one that was made elsewhere. `undefined`: theirs is one, or there is no time for it now, and the next sign-in will do. */
export async function upgradedHash(
  { passwords }: Services,
  { needsRehash = false }: SignedIn,
  { password, from }: ShownPassword,
): Promise<string | undefined> {
  try {
    return needsRehash ? await passwords.hash(password, { from }) : undefined
  } catch (error) {
    if (error instanceof PasswordQueueFull) return undefined
    throw error
  }
}

/** A login with the upgraded hash in the same change: on the user's row as it was loaded, so that it never undoes a change of the password. It is the same password, so nothing else happens. */
export function withUpgradedHash(change: Change, user: User, hash: string | undefined): Change {
  if (hash === undefined) return change
  const isTheirs = ({ table, row }: Change['writes'][number]): boolean => table === 'user' && row.id === user.id
  const others = change.writes.filter(write => !isTheirs(write))
  const guarded = change.writes.find(isTheirs)?.row as User | undefined
  return { ...change, writes: [...others, { table: 'user', row: { ...(guarded ?? user), passwordHash: hash } }] }
}
