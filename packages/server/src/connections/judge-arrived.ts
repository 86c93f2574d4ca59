import type { Arrived as ArrivedPerson, Connection } from '@countersign/connections'
import {
  type Arrived,
  type Device,
  emailKey,
  type IdentitySnapshot,
  judgeArrival,
  type Snapshot,
  type ToldPerson,
  type User,
  vouchedAddress,
} from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import { findInvitation, type NamedInvitation } from '../invitations/invitation-link.ts'
import type { Services } from '../services.ts'
import { signUpBy, whyNoSignUp } from '../sign-in/who-may-sign-up.ts'

/** Whose sign-in it is, in the snapshot in which that was decided. */
export type JudgedArrival = Arrived & { readonly snapshot: Snapshot }

/**
 * Loads and decides whose sign-in it is that a connection tells of. Called again after a conflict.
 *
 * @param accepts the invitation with which they have come.
 */
export async function judgeArrived(
  services: Services,
  connection: Connection,
  { person, tokens }: ArrivedPerson,
  { device, accepts }: { readonly device: Device; readonly accepts?: NamedInvitation | undefined },
): Promise<JudgedArrival | Refusal> {
  const { store, config, random } = services
  const told = toldOf(connection, person)
  const signUp = signUpBy(config, connection)
  const accepted = accepts && signUp !== 'closed' ? await findInvitation(services, accepts) : undefined
  // The address and the invitation first: whoever has it by a sign-in with this very identity, a moment ago, is then found by the identity too.
  const owner = await addressOwner(services, told)
  const snapshot = await store.loadUserByIdentity(connection.name, person.subject)
  // Who is known signs in, whatever has become of the invitation.
  if (isRefusal(accepted) && snapshot.user === undefined) return accepted
  const outcome = judgeArrival({
    snapshot,
    connection: connection.name,
    subject: person.subject,
    told,
    addressOwner: owner,
    sealedTokens: sealTokens(services, connection, { snapshot, subject: person.subject, tokens }),
    refusesNew: whyNoSignUp(signUp),
    ...(accepted && !isRefusal(accepted) && { accepted }),
    device,
    random,
  })
  return isRefusal(outcome) ? outcome : { ...outcome, snapshot }
}

export function toldOf(connection: Connection, { subject: _, ...told }: ArrivedPerson['person']): ToldPerson {
  return { ...told, emailVerified: told.emailVerified && connection.trustsEmail }
}

async function addressOwner({ store }: Services, told: ToldPerson): Promise<User | undefined> {
  const key = emailKey(vouchedAddress(told) ?? '')
  return key === null ? undefined : (await store.loadUserByEmail(key)).user
}

/** What is to be kept. A provider gives a refresh token the first time only, so the one that is there stays. */
export function sealTokens(
  { vault }: Services,
  connection: Connection,
  given: { snapshot: IdentitySnapshot; subject: string; tokens: ArrivedPerson['tokens'] },
): string | undefined {
  const { snapshot, subject, tokens } = given
  if (!connection.keepsTokens || tokens === undefined) return undefined
  const { identity } = snapshot
  const before = identity?.unlinkedAt === null ? vault.open(identity) : undefined
  return vault.seal(
    { connection: connection.name, subject },
    { ...(before?.refreshToken !== undefined && { refreshToken: before.refreshToken }), ...tokens },
  )
}
