import {
  type Device,
  emailKey,
  fieldsOfInvited,
  firstIdentityOf,
  type IdentitySnapshot,
  makeId,
  newIdentity,
  newUser,
  personalOf,
  type Snapshot,
  type User,
  type Write,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { findInvitation, type NamedInvitation } from '../invitations/invitation-link.ts'
import { verificationMail } from '../mail/verification-mail.ts'
import { addressKey } from '../passwords/address-key.ts'
import { passwordProblem } from '../passwords/password-policy.ts'
import { passwordsRefused } from '../passwords/use-of-passwords.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from './decide-and-commit.ts'

/** Who is to be. Without a password they sign in by other means. */
export interface NewUser {
  /** Absent for users that a trusted back end knows without an address. */
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly password?: string | undefined
  /** Whether they get a mail to show that the address is theirs, where mails can be sent: who has typed it themselves. In which language (BCP 47). */
  readonly verifyIn?: string
  /** They come with this invitation, and `email` is its address. Refused: `mail_link_invalid`. */
  readonly accepts?: NamedInvitation
  /** Known to a trusted back end under this identity. */
  readonly identity?: { readonly connection: string; readonly subject: string }
}

const nameCharactersAtMost = 200
/** Control characters, and those that turn the direction of text: a name must not rearrange the page that it stands on. */
export const refusedInNames: RegExp = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

const signUps = { kind: 'sign-ups', attempts: 100, windowSeconds: 3600 }

/** So many users in an hour from one address, whoever they claim to be. */
export async function limitSignUps({ counters }: Services, ip: string): Promise<Refusal | undefined> {
  const { allowed, retryAfterSeconds } = await counters.take(signUps, addressKey(ip))
  return allowed ? undefined : refuse('too_many_attempts', { retryAfterSeconds })
}

/** Makes a user. Address (`email_taken`) and identity (`external_id_taken`) are unique by the store. */
export async function createUser(
  services: Services,
  wanted: NewUser,
  device: Device | undefined,
): Promise<(Snapshot & { user: User }) | Refusal> {
  const { store, passwords, random } = services
  const unusable = problemOfNewUser(services, wanted)
  if (unusable !== undefined) return unusable
  const from = device === undefined ? {} : { from: addressKey(device.ip) }
  const passwordHash = wanted.password === undefined ? null : await passwords.hash(wanted.password, from)
  return decideAndCommit(services, async () => {
    // Looked at again after every conflict: an address that is taken is told, an id that happened to be taken is made anew.
    const { now, issuer } = await store.loadIssuer()
    const accepted = wanted.accepts && (await findInvitation(services, wanted.accepts))
    if (isRefusal(accepted)) return accepted
    const before =
      wanted.identity && (await store.loadUserByIdentity(wanted.identity.connection, wanted.identity.subject))
    const taken = accepted ? undefined : await isTaken(services, wanted, before)
    if (taken !== undefined) return taken
    const user = newUser({
      id: makeId(now, random),
      email: wanted.email?.trim() ?? null,
      name: wanted.name ?? null,
      passwordHash,
      firstIdentity: before && wanted.identity ? firstIdentityOf(before, wanted.identity) : null,
      createdAt: now,
      sealSalt: random(16),
      ...(accepted && fieldsOfInvited(accepted, { now })),
    })
    const writes: Write[] = [{ table: 'user', row: user }, ...(accepted ? [accepted.used] : [])]
    if (wanted.identity) {
      const row = newIdentity({ ...wanted.identity, userId: user.id, linkedAt: now })
      writes.push({ table: 'identity', row: { ...row, version: before?.identity?.version ?? 0 } })
    }
    if (wanted.verifyIn !== undefined)
      writes.push(...verificationMail(services, user, { now, language: wanted.verifyIn }))
    const facts = accepted && { facts: accepted.facts }
    const audit = [{ event: 'user.created' as const, time: now, userId: user.id, ...facts, ...personalOf(device) }]
    const change = { writes, entries: [], audit, durable: true, time: now }
    return { result: { now, issuer, user: { ...user, version: 1 } }, change }
  })
}

/** What can be told of them without a look at who there is. */
export function problemOfNewUser({ config }: Services, { email, name, password }: NewUser): Refusal | undefined {
  const off = password === undefined ? undefined : passwordsRefused(config)
  if (off !== undefined) return off
  if (email !== undefined && emailKey(email) === null) return refuse('email_invalid')
  if (name !== undefined && (name.length > nameCharactersAtMost || refusedInNames.test(name))) {
    return refuse('parameter_invalid', { detail: 'The name is too long, or holds a character that cannot be used.' })
  }
  const problem = password === undefined ? undefined : passwordProblem(password, email === undefined ? {} : { email })
  return problem === undefined ? undefined : refuse('password_unacceptable', { detail: problem })
}

async function isTaken(
  { store }: Services,
  { email }: NewUser,
  known: IdentitySnapshot | undefined,
): Promise<Refusal | undefined> {
  const key = email === undefined ? null : emailKey(email)
  if (key !== null && (await store.loadUserByEmail(key)).user) return refuse('email_taken')
  return known?.user ? refuse('external_id_taken') : undefined
}
