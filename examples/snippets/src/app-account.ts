import { type Countersign, createCountersign } from '@countersign/app'
import { changePassword, signUp } from '@countersign/app/account'
import { memoryStorage } from '@countersign/app/storage/memory'

export function createApp(issuer: string): Countersign {
  return createCountersign({ issuer, clientId: 'notes-app', storage: memoryStorage() })
}

/** A new account, signed in at once; or the reason why not, such as `email_taken`. */
export async function join(countersign: Countersign, email: string, password: string): Promise<string> {
  const account = await signUp(countersign, { email, password, name: 'Maria' })
  if (account.refused) return account.reason
  const login = await countersign.signIn({ email, password })
  return login.refused ? login.reason : 'signed in'
}

/** Ends every other login of the user; this one goes on with fresh tokens. */
export async function choose(countersign: Countersign, currentPassword: string, newPassword: string): Promise<string> {
  const changed = await changePassword(countersign, { currentPassword, newPassword })
  return changed.refused ? changed.reason : 'changed'
}
