import { type AuthenticatedClient, endSession, grantScope } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import { checkClientProof } from '../dpop/client-proof.ts'
import { json, noContent, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import { addressKey } from '../passwords/address-key.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endEverySession } from '../sign-in/end-every-session.ts'
import { asTheyAreNow, upgradedHash } from '../sign-in/shown-password.ts'
import { signInByPassword } from '../sign-in/sign-in.ts'
import { loadSuperseded, openAndAnswer } from './login-answer.ts'
import { loginOf } from './login-of.ts'
import { lastUsed, sessionView } from './session-view.ts'

const loginBody = z.strictObject({
  email: z.string().max(254),
  password: z.string().max(1024),
  client_id: z.string().max(200),
  scope: z.string().max(2000).optional(),
  supersedes: z.string().max(200).optional(),
})

/** `POST /v1/sessions`: direct login, for first-party clients that are allowed to see passwords. */
export function logIn(services: Services): Endpoint {
  return async http => {
    const wanted = readJson(http, loginBody)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    const found = await services.store.loadClient(wanted.client_id)
    if (found === undefined || found.client.disabled) return refusalAnswer(refuse('client_authentication_failed'))
    const client = found.client as AuthenticatedClient
    if (!client.directLogin || !client.firstParty || client.secretHashes.length > 0) {
      return refusalAnswer(refuse('client_not_allowed'))
    }
    const scope = grantScope(wanted.scope, client.scopes, client.defaultScopes)
    if (scope === undefined) return refusalAnswer(refuse('scope_invalid'))
    const proof = checkClientProof(services, client, http)
    if (isRefusal(proof)) return refusalAnswer(proof)
    const device = deviceOf(http)
    const signedIn = await signInByPassword(services, wanted, device)
    if (isRefusal(signedIn)) return refusalAnswer(signedIn)
    const spent = await proof.spend()
    if (spent !== undefined) return refusalAnswer(spent)
    const shown = { password: wanted.password, from: addressKey(device.ip) }
    const hash = await upgradedHash(services, signedIn, shown)
    return openAndAnswer(services, signedIn.user.id, async isAgain => {
      const now = isAgain ? await asTheyAreNow(services, signedIn, shown) : signedIn
      if (isRefusal(now)) return now
      const { user, amr, needsRehash } = now
      const superseded = await loadSuperseded(services, wanted.supersedes, { userId: user.id, clientId: client.id })
      return {
        snapshot: now,
        user,
        ...(needsRehash && { upgradedHash: hash }),
        client,
        scope,
        jkt: proof.jkt,
        device,
        amr,
        superseded,
        random: services.random,
      }
    })
  }
}

/** `GET /v1/sessions`: what is signed in as this user. */
export function listSessions(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const sessions = await services.store.listSessions(caller.user.id)
    const listed = lastUsed(sessions, caller.session.id)
    return json(200, { sessions: listed.map(one => sessionView(one, caller.session.id)) })
  }
}

/** `DELETE /v1/sessions/{id}`: ends one. */
export function endOneSession(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const device = deviceOf(http)
    const outcome = await decideAndCommit(services, async () => {
      const snapshot = await services.store.loadSessionOnly(http.params.id ?? '')
      if (snapshot === undefined || snapshot.user.id !== caller.user.id) return refuse('session_unknown')
      return { result: {}, change: endSession(snapshot, 'ended_by_user', { device, by: 'user' }) }
    })
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}

/** `DELETE /v1/sessions`: log out everywhere; `?except=current` keeps the caller's. */
export function endSessions(services: Services): Endpoint {
  return async http => {
    // To the letter: with a slip of the pen in `except` everything would end.
    if (http.query !== '' && http.query !== 'except=current') return refusalAnswer(refuse('parameter_invalid'))
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const keep = http.query === '' ? undefined : caller.session.id
    const outcome = await endEverySession(services, caller.user.id, keep, { device: deviceOf(http), by: 'user' })
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}
