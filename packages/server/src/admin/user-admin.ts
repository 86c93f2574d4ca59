import { emailKey, idOf, type UserSnapshot } from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { changeRights, type WrittenRights } from '../claims/change-rights.ts'
import type { Services } from '../services.ts'
import { createUser, type NewUser } from '../sign-in/create-user.ts'

/** By the address or by the id, in either spelling: a client with `subject_type` `uuid` knows them by the other one. */
export function findUser(store: Store, idOrEmail: string): Promise<UserSnapshot> {
  const key = emailKey(idOrEmail)
  return key === null ? store.loadUser(idOf(idOrEmail) ?? '') : store.loadUserByEmail(key)
}

const listedAtMost = 1_000

/** In the order of their ids: ours begin with the time, those that were imported need not. Those that were deleted are left out. */
export async function listUsers(store: Store, after: string): Promise<readonly UserLine[]> {
  const page = { limit: listedAtMost, ...(after !== '' && { after: idOf(after) ?? after }) }
  const users = (await store.listUsers(page)).filter(({ deletedAt }) => deletedAt === null)
  return users.map(user => ({
    id: user.id,
    email: user.email ?? '',
    name: user.name ?? '',
    state: user.disabledAt === null ? 'active' : 'disabled',
    created_at: new Date(user.createdAt).toISOString(),
  }))
}

export interface UserLine {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly state: 'active' | 'disabled'
  readonly created_at: string
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
