import { hashCode, type PushedRequest, pushedRequestSeconds, requestUriPrefix } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { limitStrangers } from '../clients/limit-strangers.ts'
import { checkClientProof } from '../dpop/client-proof.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { type Parameters, readForm, repeatable } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { findTarget, judgeRequest } from './authorize/authorization-request.ts'

/** Of a client that nobody has vouched for: each request is a row on the disk. */
const pushesAMinute = 60
const charactersAtMost = 16_384

/**
 * `POST /par` (RFC 9126): read → authenticate the client → check the proof → judge as `/authorize` does → keep → answer. What the browser
 * then carries is a reference, which says nothing and cannot be changed on the way.
 */
export function pushAuthorizationRequest(services: Services): Endpoint {
  return async http => {
    const form = readForm(http, repeatable)
    if (isRefusal(form)) return refusalAnswer(form)
    const authenticated = await authenticateClient(services, http, form)
    if (isRefusal(authenticated)) return refusalAnswer(authenticated)
    const { client, now } = authenticated
    const limited = await limitStrangers(services, { client, ip: http.ip, what: 'pushed', perMinute: pushesAMinute })
    if (limited !== undefined) return refusalAnswer(limited)
    const proof = checkClientProof(services, { ...client, requiresDpop: false }, http)
    if (isRefusal(proof)) return refusalAnswer(proof)
    const pushed = judgePushed(form, proof.jkt)
    if (isRefusal(pushed)) return refusalAnswer(pushed)
    const parameters = new Map([...pushed, ['client_id', client.id]])
    const target = await findTarget(services, parameters)
    if (isRefusal(target)) return refusalAnswer(target)
    const request = judgeRequest(services, target, parameters)
    if (isRefusal(request)) return refusalAnswer(request)
    const spent = await proof.spend()
    if (spent !== undefined) return refusalAnswer(spent)
    const reference = services.random(32).toString('base64url')
    const row: PushedRequest = {
      hash: hashCode(reference),
      clientId: client.id,
      parameters: Object.fromEntries(parameters),
      jkt: proof.jkt ?? request.jkt,
      openedAt: null,
      usedAt: null,
      expiresAt: now + pushedRequestSeconds * 1000,
      version: 0,
    }
    await keep(services, row, now)
    return json(201, { request_uri: `${requestUriPrefix}${reference}`, expires_in: pushedRequestSeconds })
  }
}

const ofAuthentication: ReadonlySet<string> = new Set(['client_secret', 'client_assertion', 'client_assertion_type'])

/** The request without what authenticated its client. A reference to another request is none (RFC 9126 §2.1). */
function judgePushed(form: Parameters, jkt: string | undefined): Parameters | Refusal {
  if (form.has('request_uri')) return refuse('parameter_invalid', { detail: 'request_uri cannot be pushed.' })
  const pushed = [...form].filter(([name]) => !ofAuthentication.has(name))
  const characters = pushed.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (characters > charactersAtMost) return refuse('body_too_large')
  const named = form.get('dpop_jkt')
  // RFC 9449 §10.1: one key, said twice.
  if (named !== undefined && jkt !== undefined && named !== jkt) {
    return refuse('parameter_invalid', { detail: 'dpop_jkt is not the key of the DPoP proof.' })
  }
  return new Map(pushed)
}

/** Lost with the power, the client pushes again: nothing waits for the disk. */
async function keep(services: Services, row: PushedRequest, time: number): Promise<void> {
  const writes = [{ table: 'pushedRequest' as const, row }]
  const outcome = await services.store.commit({ writes, audit: [], entries: [], durable: false, time })
  if (outcome === 'conflict') throw new StoreUnavailable('A pushed request could not be stored.')
}
