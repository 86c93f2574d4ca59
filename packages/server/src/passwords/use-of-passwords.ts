import type { User } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { ServerConfig } from '../services.ts'
import { WrongDeclaration } from '../wrong-declaration.ts'

/** Whether people sign in by password here. */
export function usesPasswords({ passwords }: Pick<ServerConfig, 'passwords'>): boolean {
  return passwords !== 'off'
}

/** Where people are to be answered, there has to be a way in. Throws if there is none. */
export function refuseWithoutWayIn(
  config: Pick<ServerConfig, 'passwords'>,
  connections: readonly unknown[] = [],
): void {
  if (usesPasswords(config) || connections.length > 0) return
  throw new WrongDeclaration('passwords: is "off", and there is no connection: nobody could sign in.')
}

/** Why nothing is done with a password; `undefined`: they are used. */
export function passwordsRefused(config: Pick<ServerConfig, 'passwords'>): Refusal | undefined {
  return usesPasswords(config) ? undefined : refuse('passwords_off')
}

/** Whether a password is one of the ways in which a user can sign in. One that is kept while passwords are off is none. */
export function canUsePassword(config: Pick<ServerConfig, 'passwords'>, user: User): boolean {
  return usesPasswords(config) && user.passwordHash !== null && user.email !== null
}
