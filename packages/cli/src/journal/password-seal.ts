import { deriveKey, type MasterKey, type RandomBytes, seal, unseal } from '@countersign/core'
import { WrongConfiguration } from '../configuration-problems.ts'

/** Hashes of passwords stand in the journal under the master key. */
export interface PasswordSeal {
  seal(user: { readonly id: string; readonly passwordHash: string | null }): string
  open(userId: string, sealed: string): string | null
}

export function createPasswordSeal(master: MasterKey, random: RandomBytes): PasswordSeal {
  const key = deriveKey(master, 'revocation journal 1')
  return {
    seal: ({ id, passwordHash }) => seal(key, id, passwordHash ?? '', random),
    open(userId, sealed) {
      const text = unseal(key, userId, sealed)?.toString()
      if (text === undefined) throw new WrongConfiguration('The journal was written under another master key.')
      return text === '' ? null : text
    },
  }
}
