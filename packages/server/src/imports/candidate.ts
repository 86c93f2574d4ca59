import { emailKey, type Instant } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { ReadHash } from '../passwords/password-hasher.ts'
import { passwordsRefused } from '../passwords/use-of-passwords.ts'
import type { Services } from '../services.ts'
import { readWrittenUser, type WrittenUser } from './written-user.ts'

/** Who is to be made of a line. */
export interface Candidate {
  readonly line: number
  readonly written: WrittenUser
  readonly hash: ReadHash | undefined
}

export function readCandidate(services: Services, line: number, text: string, now: Instant): Candidate | Refusal {
  const written = readWrittenUser(text, now)
  if (isRefusal(written)) return written
  if (written.passwordHash === null) return { line, written, hash: undefined }
  const off = passwordsRefused(services.config)
  if (off !== undefined) return off
  const hash = services.passwords.read(written.passwordHash)
  return hash === undefined ? refuse('password_hash_unsupported') : { line, written, hash }
}

function keysOf({ written: { id, email, identities } }: Candidate): string[] {
  return [
    ...(id === undefined ? [] : [`id ${id}`]),
    ...(email === null ? [] : [`email ${emailKey(email)}`]),
    ...identities.map(one => JSON.stringify([one.connection, one.subject])),
  ]
}

/** True if they could be one user. */
export function shareAKey(one: Candidate, other: Candidate): boolean {
  const keys = new Set(keysOf(one))
  return keysOf(other).some(key => keys.has(key))
}
