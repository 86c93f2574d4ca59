import { type AuditRecord, type Instant, makeId, newIdentity, newUser, type Write } from '@countersign/core'
import type { Services } from '../services.ts'
import type { Candidate } from './candidate.ts'

/** The rows of a user, and what the audit log says of them. */
export function makeUser(
  { random }: Services,
  { written, hash }: Candidate,
  now: Instant,
): { writes: Write[]; audit: AuditRecord } {
  const { email, name, profile, rights, identities, passwordHash } = written
  const [first = null] = identities
  const user = newUser({
    id: written.id ?? makeId(now, random),
    email,
    emailVerifiedAt: written.isEmailVerified ? now : null,
    name,
    profile,
    rights,
    passwordHash,
    firstIdentity: first,
    disabledAt: written.isDisabled ? now : null,
    createdAt: written.createdAt ?? now,
    sealSalt: random(16),
  })
  const facts = {
    by: 'operator',
    imported: true,
    ...(hash !== undefined && { password_hash: hash.scheme }),
    ...(written.isDisabled && { disabled: true }),
    ...(rights.roles.length > 0 && { roles: rights.roles.join(' ') }),
    ...(identities.length > 0 && { connections: identities.map(({ connection }) => connection).join(' ') }),
  }
  return {
    writes: [
      { table: 'user', row: user },
      ...identities.map(one => ({
        table: 'identity' as const,
        row: newIdentity({ ...one, userId: user.id, linkedAt: now }),
      })),
    ],
    audit: { event: 'user.created', time: now, userId: user.id, facts },
  }
}
