import {
  type CodeSnapshot,
  hashCode,
  needsLogins,
  type RedeemedCode,
  redeemCode,
  sessionNameFor,
  stillAllowed,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { json, refusalAnswer } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import type { Services } from '../services.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { grantAudiences } from './grant-audiences.ts'
import { signTokenAnswer } from './token-answer.ts'
import { missing, type TokenRequest } from './token-request.ts'

const triesAtMost = 20
/** New families of one client in one session. */
const newFamilies = { kind: 'new families of a session', attempts: 60, windowSeconds: 3600 }

/**
 * `grant_type=authorization_code` with PKCE (RFC 6749 §4.1.3, RFC 7636 §4.5): load → decide → sign → commit → answer. One after the other in one session: each makes room for
 * itself among the logins that are there (`familiesAtMost`), and would find fewer than there will be.
 */
export async function redeemAuthorizationCode(services: Services, request: TokenRequest): Promise<HttpAnswer> {
  const { form } = request
  const [code, redirectUri] = [form.get('code'), form.get('redirect_uri')]
  if (code === undefined) return refusalAnswer(missing('code'))
  if (redirectUri === undefined) return refusalAnswer(missing('redirect_uri'))
  const hash = hashCode(code)
  const snapshot = await services.store.loadCode(hash)
  if (snapshot === undefined) return refusalAnswer(refuse('code_invalid'))
  return services.turns.take(`session ${snapshot.session.id}`, hasWaited =>
    redeem(services, request, { hash, redirectUri, loaded: hasWaited ? undefined : snapshot }),
  )
}

async function redeem(
  services: Services,
  { form, client, proof, http }: TokenRequest,
  presented: { hash: string; redirectUri: string; loaded: CodeSnapshot | undefined },
): Promise<HttpAnswer> {
  const { hash, redirectUri } = presented
  let { loaded } = presented
  let spent: { refusal: Refusal | undefined } | undefined
  for (let tries = 0; tries < triesAtMost; tries++) {
    const snapshot = loaded ?? (await services.store.loadCode(hash))
    loaded = undefined
    if (snapshot === undefined) return refusalAnswer(refuse('code_invalid'))
    const device = deviceOf(http)
    const { jkt } = proof
    const logins = needsLogins(snapshot) ? await services.store.listSessions(snapshot.user.id) : []
    const { random } = services
    const verifier = form.get('code_verifier')
    const decision = redeemCode({ snapshot, client, redirectUri, verifier, jkt, device, logins, random })
    const { outcome, change } = decision
    const reachable = stillAllowed(snapshot.code, client).audiences
    const audiences = grantAudiences(form.get('resource'), services.config.issuer, reachable)
    if (!isRefusal(outcome) && audiences === undefined) return refusalAnswer(refuse('resource_invalid'))
    spent ??= isRefusal(outcome)
      ? undefined
      : { refusal: (await proof.spend()) ?? (await limitFamilies(services, snapshot)) }
    if (spent?.refusal !== undefined) return refusalAnswer(spent.refusal)
    const answer = isRefusal(outcome)
      ? refusalAnswer(outcome)
      : json(200, await tokensOf(services, snapshot, outcome, { jkt, audiences }))
    if (change === undefined || (await services.store.commit(change)) === 'committed') return answer
  }
  throw new StoreUnavailable('A code is being redeemed by others all the time.')
}

async function tokensOf(
  services: Services,
  snapshot: CodeSnapshot,
  { session, family, grant }: RedeemedCode,
  more: { jkt: string | undefined; audiences: readonly string[] | undefined },
): Promise<object> {
  const rows = { ...snapshot, session, family, grant }
  const idToken = { nonce: snapshot.code.nonce }
  const answer = await signTokenAnswer(services, rows, { generation: 0, idToken, ...more })
  return { ...answer, session_id: sessionNameFor(snapshot.client, session.id, services.pairwiseKey) }
}

/** Each new family can end an older one, and every API is told: one browser must not be able to keep them all busy. */
async function limitFamilies(services: Services, { session, client }: CodeSnapshot): Promise<Refusal | undefined> {
  const { allowed, retryAfterSeconds } = await services.counters.take(newFamilies, `${session.id} ${client.id}`)
  return allowed ? undefined : refuse('too_many_attempts', { retryAfterSeconds })
}
