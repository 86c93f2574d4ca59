import {
  backEndConnectionPrefix,
  type Client,
  endSession,
  grantScope,
  idOf,
  mayUse,
  type SessionOnlySnapshot,
  type Snapshot,
  sessionNameFor,
  type User,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { json, noContent, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import type { Services } from '../services.ts'
import { createUser } from '../sign-in/create-user.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endEverySession } from '../sign-in/end-every-session.ts'
import { openAndAnswer } from './login-answer.ts'
import { namedUser } from './named-user.ts'
import { lastUsed, sessionView } from './session-view.ts'

/** The right that a trusted back end needs. */
const right = 'sessions:manage'

const text = (most: number) => z.string().min(1).max(most)
const body = z.strictObject({
  client_id: text(200),
  user: z.union([
    z.strictObject({ id: text(100) }),
    z.strictObject({
      external_id: text(255),
      email: z.string().max(254).optional(),
      name: z.string().max(200).optional(),
    }),
  ]),
  scope: z.string().max(2000).optional(),
  amr: z
    .array(z.string().regex(/^[a-z0-9_:.-]{1,32}$/))
    .min(1)
    .max(8)
    .optional(),
})

/** `POST /v1/trusted/sessions`: a back end that authenticated the user itself opens a session for a client of ours. */
export function openTrustedSession(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const wanted = readJson(http, body)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    const client = (await services.store.loadClient(wanted.client_id))?.client
    // Who opens it for a client has no key of the client's: one that must prove a key cannot be served so.
    if (client === undefined || client.disabled || !client.firstParty || client.requiresDpop)
      return refusalAnswer(refuse('client_not_allowed'))
    const scope = grantScope(wanted.scope, client.scopes, client.defaultScopes)
    if (scope === undefined) return refusalAnswer(refuse('scope_invalid'))
    const found = await findOrCreate(services, caller.clientId, wanted.user)
    if (isRefusal(found)) return refusalAnswer(found)
    if (!mayUse(found.user)) return refusalAnswer(refuse('user_disabled'))
    return openAndAnswer(services, found.user.id, async isAgain => {
      const now = isAgain ? await findById(services, found.user.id) : found
      if (isRefusal(now)) return now
      if (!mayUse(now.user)) return refuse('user_disabled')
      return loginFor(services, http, { found: now, client, scope, amr: wanted.amr ?? ['ext'] })
    })
  }
}

async function loginFor(
  services: Services,
  http: Parameters<Endpoint>[0],
  login: { found: Snapshot & { user: User }; client: Client; scope: string; amr: readonly string[] },
) {
  const { found, client, scope, amr } = login
  return {
    snapshot: found,
    user: found.user,
    client,
    scope,
    amr,
    jkt: undefined,
    device: deviceOf(http),
    random: services.random,
  }
}

/** By our id, or by the back end's own: each client's external ids are a connection of their own. */
async function findOrCreate(
  services: Services,
  callerId: string,
  wanted: z.infer<typeof body>['user'],
): Promise<(Snapshot & { user: User }) | Refusal> {
  if ('id' in wanted) return findById(services, wanted.id)
  const identity = { connection: `${backEndConnectionPrefix}${callerId}`, subject: wanted.external_id }
  const known = await services.store.loadUserByIdentity(identity.connection, identity.subject)
  if (known.user) return { ...known, user: known.user }
  const created = await createUser(services, { email: wanted.email, name: wanted.name, identity }, undefined)
  if (!isRefusal(created) || (created.reason !== 'email_taken' && created.reason !== 'external_id_taken'))
    return created
  // Another request made the same user just now, or the address is somebody else's: never linked by address alone.
  const again = await services.store.loadUserByIdentity(identity.connection, identity.subject)
  return again.user ? { ...again, user: again.user } : refuse('external_id_taken')
}

async function findById({ store }: Services, id: string): Promise<(Snapshot & { user: User }) | Refusal> {
  const found = await store.loadUser(idOf(id) ?? '')
  return found.user ? { ...found, user: found.user } : refuse('user_unknown')
}

/** `GET /v1/trusted/users/{id}/sessions`. */
export function listTrustedSessions(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const { user } = await services.store.loadUser(namedUser(http))
    if (user === undefined) return refusalAnswer(refuse('user_unknown'))
    const sessions = await services.store.listSessions(user.id)
    return json(200, { sessions: lastUsed(sessions).map(one => sessionView(one)) })
  }
}

/** `DELETE /v1/trusted/users/{id}/sessions`: log the user out everywhere. */
export function endTrustedSessions(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const outcome = await endEverySession(services, namedUser(http), undefined, { by: 'operator' })
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}

/** `DELETE /v1/trusted/users/{id}/sessions/{sid}`. */
export function endTrustedSession(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const outcome = await decideAndCommit(services, async () => {
      const snapshot = await findSession(services, namedUser(http), http.params.session ?? '')
      if (snapshot === undefined) return refuse('session_unknown')
      return { result: {}, change: endSession(snapshot, 'ended_by_operator', { by: 'operator' }) }
    })
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}

/** A session of the user by its id, or by what one of its clients knows it as: the back end that opened it has no other name for it. */
async function findSession(
  { store, pairwiseKey }: Services,
  userId: string,
  name: string,
): Promise<SessionOnlySnapshot | undefined> {
  const found = await store.loadSessionOnly(name)
  if (found !== undefined) return found.user.id === userId ? found : undefined
  for (const { session, families } of await store.listSessions(userId)) {
    for (const clientId of new Set(families.map(family => family.clientId))) {
      const client = (await store.loadClient(clientId))?.client
      if (client && sessionNameFor(client, session.id, pairwiseKey) === name) return store.loadSessionOnly(session.id)
    }
  }
  return undefined
}
