import {
  type Change,
  combine,
  type FamilySnapshot,
  macMatches,
  makeRoom,
  openLogin,
  sessionNameFor,
} from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import { json, refusalAnswer } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import { readRefreshToken } from '../keys/read-refresh-token.ts'
import type { Services } from '../services.ts'
import { decideLogin } from '../sign-in/decide-and-commit.ts'
import { grantForLogin } from '../sign-in/grant-for-login.ts'
import { withUpgradedHash } from '../sign-in/shown-password.ts'
import { signTokenAnswer } from './token-answer.ts'

type Login = Parameters<typeof openLogin>[0] & {
  /** Takes the place of the user's hash. */
  readonly upgradedHash?: string | undefined
}

/** Opens a login, and answers 201 with its tokens. After a conflict (`isAgain`) it is asked for anew: the user is not any more who they were. */
export async function openAndAnswer(
  services: Services,
  userId: string,
  request: (isAgain: boolean) => Promise<Login | Refusal>,
): Promise<HttpAnswer> {
  let tries = 0
  const opened = await decideLogin(services, userId, async () => {
    const login = await request(tries++ > 0)
    if (isRefusal(login)) return login
    return openAnswered(services, login)
  })
  return isRefusal(opened) ? refusalAnswer(opened) : json(201, opened)
}

/** A login to be committed, with what it is answered with. */
export async function openAnswered(services: Services, login: Login): Promise<{ result: object; change: Change }> {
  const under = await grantForLogin(services, login)
  const grant = under?.grant
  // What is superseded is among what the new authorization ends.
  const { session, family, change } = openLogin({ ...login, grant, ...(under && { superseded: undefined }) })
  const rows = { now: login.snapshot.now, issuer: login.snapshot.issuer, ...login, grant, session, family }
  const tokens = await signTokenAnswer(services, rows, { generation: 0, jkt: login.jkt })
  const ends = under ? [under.change] : await roomFor(services, login)
  const session_id = sessionNameFor(login.client, session.id, services.pairwiseKey)
  const whole = withUpgradedHash(combine(change, ...ends), login.user, login.upgradedHash)
  return { result: { ...tokens, session_id }, change: whole }
}

async function roomFor(
  { store }: Services,
  { snapshot, user, client, device, superseded }: Parameters<typeof openLogin>[0],
): Promise<Change[]> {
  const logins = await store.listSessions(user.id)
  return makeRoom({ snapshot, user, clientId: client.id, logins, device, besides: superseded?.session.id })
}

/**
 * The earlier login of the same user on this install, if the app can show its refresh token; anything else is silently no
 * login. Another user's is none: their leaked token must not be good for ending it.
 */
export async function loadSuperseded(
  services: Services,
  refreshToken: string | undefined,
  by: { readonly userId: string; readonly clientId: string },
): Promise<FamilySnapshot | undefined> {
  if (refreshToken === undefined) return undefined
  const opened = await readRefreshToken(services.keys, refreshToken)
  if (opened === undefined) return undefined
  const snapshot = await services.store.loadFamily(opened.familyId)
  if (snapshot === undefined || !macMatches(opened, snapshot.family.salt)) return undefined
  const { userId, clientId } = snapshot.family
  return userId === by.userId && clientId === by.clientId ? snapshot : undefined
}
