import type { User } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import { addressKey } from '../passwords/address-key.ts'
import { passwordProblem } from '../passwords/password-policy.ts'
import { passwordsRefused } from '../passwords/use-of-passwords.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'
import { loadLivingSession } from '../sign-in/load-living-session.ts'
import { isStillTheirs } from '../sign-in/shown-password.ts'
import { signInByPassword } from '../sign-in/sign-in.ts'
import { loginOf } from './login-of.ts'
import { signTokenAnswer } from './token-answer.ts'

const body = z.strictObject({ current_password: z.string().max(1024), new_password: z.string().max(1024) })

/**
 * `POST /v1/password`: a new password; every other session ends, this one goes on with a fresh access token. Its refresh token stays as it is: nothing shows
 * here that the client has the current one, and a rotation that it has not heard of would make a retry of the refresh before look like theft.
 */
export function password(services: Services): Endpoint {
  return async http => {
    const wanted = readJson(http, body)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const { family } = caller
    const device = deviceOf(http)
    const newHash = await judgePasswordChange(
      services,
      caller.user,
      wanted.current_password,
      wanted.new_password,
      device,
    )
    if (isRefusal(newHash)) return refusalAnswer(newHash)
    const changed = await decideAndCommit(services, async () => {
      const keep = await loadLivingSession(services, caller.session.id)
      if (isRefusal(keep)) return keep
      // Its client as it is now: what was judged meanwhile takes a while.
      const login = await services.store.loadFamily(family.id)
      if (login === undefined) return refuse('session_ended')
      const { client, grant } = login
      const kept = keep.families.find(one => one.id === family.id)
      if (kept === undefined || kept.endedAt !== null) return refuse('session_ended')
      if (!(await newHash.mayReplace(keep.user))) return refuse('login_failed')
      const change = await endUserSessions(services, keep, 'password_changed', {
        device,
        by: 'user',
        keep,
        user: { passwordHash: newHash.hash },
        event: 'user.password_changed',
      })
      const user = { ...keep.user, epoch: keep.user.epoch + 1 }
      const rows = { now: keep.now, issuer: keep.issuer, user, client, grant, session: keep.session, family: kept }
      const generation = client.refresh.repeatsUnchanged ? kept.generation : undefined
      // The new access token is bound like the old one.
      const more = { generation, jkt: kept.jkt ?? undefined }
      return { result: { ...(await signTokenAnswer(services, rows, more)), session_id: keep.session.id }, change }
    })
    return isRefusal(changed) ? refusalAnswer(changed) : json(200, changed)
  }
}

interface PasswordChange {
  readonly hash: string
  /** Whether the current password is still the one that was judged. */
  mayReplace(user: User): Promise<boolean>
}

/** The current password must be right (failures count as at sign-in), the new one acceptable. */
export async function judgePasswordChange(
  services: Services,
  user: { id: string; email: string | null },
  current: string,
  wanted: string,
  device: Parameters<typeof signInByPassword>[2],
): Promise<PasswordChange | Refusal> {
  const off = passwordsRefused(services.config)
  if (off !== undefined) return off
  const email = user.email ?? ''
  const problem = passwordProblem(wanted, { email })
  if (problem !== undefined) return refuse('password_unacceptable', { detail: problem })
  const proven = await signInByPassword(services, { email, password: current }, device)
  if (isRefusal(proven)) return proven
  if (proven.user.id !== user.id) return refuse('login_failed')
  const shown = { password: current, from: addressKey(device.ip) }
  return {
    hash: await services.passwords.hash(wanted, { from: shown.from }),
    mayReplace: now => isStillTheirs(services, proven.user.passwordHash, now, shown),
  }
}
