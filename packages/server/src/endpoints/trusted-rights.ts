import { noRights } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import { changeRights, writtenRights } from '../claims/change-rights.ts'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import type { Services } from '../services.ts'
import { namedUser } from './named-user.ts'

/** The right that a back end needs. */
const right = 'users:manage'

/** `GET /v1/trusted/users/{id}/rights`: roles, groups, permissions and attributes. */
export function showRights(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const { user } = await services.store.loadUser(namedUser(http))
    if (user === undefined || user.deletedAt !== null) return refusalAnswer(refuse('user_unknown'))
    return json(200, user.rights)
  }
}

/** `PUT /v1/trusted/users/{id}/rights`: all of them; what is left out is none. */
export function setRights(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const wanted = readJson(http, writtenRights)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    const find = () => services.store.loadUser(namedUser(http))
    const { roles, groups, permissions, attributes } = { ...noRights, ...wanted }
    const rights = {
      roles: roles ?? [],
      groups: groups ?? [],
      permissions: permissions ?? [],
      attributes: attributes ?? {},
    }
    const changed = await changeRights(services, find, () => rights, { by: 'client', clientId: caller.clientId })
    return isRefusal(changed) ? refusalAnswer(changed) : json(200, changed.rights)
  }
}
