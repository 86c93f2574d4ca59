import { emailKey, type UserSnapshot } from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { changeRights, type WrittenRights } from '../claims/change-rights.ts'
import type { Services } from '../services.ts'
import { createUser, type NewUser } from '../sign-in/create-user.ts'

export function findUser(store: Store, idOrEmail: string): Promise<UserSnapshot> {
  const key = emailKey(idOrEmail)
  return key === null ? store.loadUser(idOrEmail) : store.loadUserByEmail(key)
}

export async function addUser(
  services: Services,
  wanted: Pick<NewUser, 'email' | 'name' | 'password'>,
): Promise<object | Refusal> {
  const made = await createUser(services, wanted, undefined)
  return isRefusal(made) ? made : { id: made.user.id, email: made.user.email, name: made.user.name }
}

/** What is named is replaced, what is not stays. */
export async function setRights(
  services: Services,
  idOrEmail: string,
  written: WrittenRights,
): Promise<object | Refusal> {
  const said = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined))
  const find = () => findUser(services.store, idOrEmail)
  const changed = await changeRights(services, find, rights => ({ ...rights, ...said }), { by: 'operator' })
  return isRefusal(changed) ? changed : { id: changed.id, ...changed.rights }
}
