import type { KeyObject } from 'node:crypto'
import type { RandomBytes } from '../ids.ts'
import { deriveKey, type MasterKey, seal, unseal } from '../keys/master-key.ts'

/** Address and device in an audit row. */
export type PersonalFields = Readonly<Record<string, string>>

/** Each user's fields lie under a key of their own: erasing the salt erases them, and the chain of hashes stays whole. */
export interface PersonalSeal {
  /** `null` if the salt has been erased: then nothing more is written down either. */
  seal(personal: PersonalFields, userSealSalt: Buffer | null): string | null
  /** `null` if the salt has been erased, or is another one. */
  open(sealed: string, userSealSalt: Buffer | null): PersonalFields | null
}

export function createPersonalSeal(master: MasterKey, random: RandomBytes): PersonalSeal {
  const auditKey = deriveKey(master, 'audit 1')
  const keyOf = (salt: Buffer): KeyObject => deriveKey(auditKey, 'audit of one user 1', salt)
  return {
    seal: (personal, salt) => salt && seal(keyOf(salt), label, JSON.stringify(personal), random),
    open(sealed, salt) {
      const opened = salt ? unseal(keyOf(salt), label, sealed) : undefined
      return opened === undefined ? null : (JSON.parse(opened.toString('utf8')) as PersonalFields)
    },
  }
}

const label = 'audit'
