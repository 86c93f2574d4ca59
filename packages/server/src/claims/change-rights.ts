import {
  type AuditRecord,
  mayUse,
  type Rights,
  rightsBytesAtMost,
  rightsFit,
  type UserSnapshot,
} from '@countersign/core'
import { canonicalJson, type Refusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'

/** A word of the operator's: no space or quote, so that it can stand in a list. */
const words = z.array(z.string().regex(/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,100}$/)).max(100)

/** Rights as they are written by operators and back ends; what is left out is not said. */
export const writtenRights: z.ZodType<WrittenRights> = z.strictObject({
  roles: words.optional(),
  groups: words.optional(),
  permissions: words.optional(),
  attributes: z
    .record(z.string().regex(/^[\x21-\x7e]{1,100}$/), z.json())
    .refine(named => !Object.hasOwn(named, '__proto__'))
    .optional(),
})

export type WrittenRights = { readonly [Key in keyof Rights]?: Rights[Key] | undefined }

/** Who changes them: an operator, or a back end by its client's id. */
export interface ChangesRights {
  readonly by: 'operator' | 'client'
  readonly clientId?: string
}

/**
 * Gives a user other rights; the clients whose tokens tell of them are told (`tellChangedClaims`). The same as before: nothing is written.
 *
 * @param decide what they are to be, from what they are.
 */
export function changeRights(
  services: Services,
  find: () => Promise<UserSnapshot>,
  decide: (rights: Rights) => Rights,
  who: ChangesRights,
): Promise<{ id: string; rights: Rights } | Refusal> {
  return decideAndCommit(services, async () => {
    const { user, now } = await find()
    if (user === undefined || user.deletedAt !== null) return refuse('user_unknown')
    if (who.by === 'client' && !mayUse(user)) return refuse('user_disabled')
    const rights = tidyRights(decide(user.rights))
    if (!rightsFit(rights)) {
      return refuse('parameter_invalid', { detail: `All of it together can have ${rightsBytesAtMost} bytes of JSON.` })
    }
    const result = { id: user.id, rights }
    if (canonicalJson(rights) === canonicalJson(tidyRights(user.rights))) return { result }
    const facts = { by: who.by, roles: rights.roles.join(' ') }
    const clientId = who.clientId === undefined ? {} : { clientId: who.clientId }
    const audit: AuditRecord = { event: 'user.rights_changed', time: now, userId: user.id, ...clientId, facts }
    const writes = [{ table: 'user' as const, row: { ...user, rights } }]
    return { result, change: { writes, audit: [audit], entries: [], durable: true, time: now } }
  })
}

/** Each word once, in one order: what is written differently and means the same is the same. */
export function tidyRights({ roles, groups, permissions, attributes }: Rights): Rights {
  const list = (all: readonly string[]): string[] => [...new Set(all)].sort()
  return { roles: list(roles), groups: list(groups), permissions: list(permissions), attributes }
}
