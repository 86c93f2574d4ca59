import {
  approveDevice,
  type Client,
  claimDeviceRequest,
  type DeviceCode,
  denyDevice,
  hashUserCode,
  isVouchedFor,
  needsGrant,
  readUserCode,
  type SessionOnlySnapshot,
  showUserCode,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import { describeScopes } from '../pages/describe-scopes.ts'
import { type DeviceCommand, deviceAskedPage, deviceCodePage, deviceDonePage } from '../pages/device-page.ts'
import { addressKey } from '../passwords/address-key.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import type { HostedServices } from './hosted-services.ts'
import { page, pageOfRefusal, problemPage } from './page-answers.ts'

/** So many wrong user codes in ten minutes by one user, and from one address: of 20⁸ codes nobody finds one that waits. */
const wrongCodes = {
  byUser: { kind: 'wrong user codes by user', attempts: 10, windowSeconds: 600 },
  fromAddress: { kind: 'wrong user codes from address', attempts: 30, windowSeconds: 600 },
}

/**
 * `GET /device` (RFC 8628 §3.3): where the user types the code that a device shows. A link that brings the code along fills it in and nothing more (§5.4): it
 * says nothing about the request, and changes nothing.
 */
export function showDevice(services: HostedServices): Endpoint {
  return async http => {
    const query = readParameters(http.query)
    if (isRefusal(query)) return pageOfRefusal(services, query)
    const done = query.get('done')
    if (done === 'allow' || done === 'deny')
      return page(200, deviceDonePage(services.site, { allowed: done === 'allow' }))
    const code = readUserCode(query.get('user_code') ?? '')
    const login = await services.cookies.session(http)
    if (login === undefined) return toSignIn(code)
    return codeAnswer(services, http, login, { ...(code !== undefined && { userCode: showUserCode(code) }) })
  }
}

/** `POST /device`: shows who asks, then takes the answer. Each step names the code, and is looked up and limited anew. */
export function submitDevice(services: HostedServices): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const typed = form.get('user_code') ?? ''
    const login = await services.cookies.session(http)
    if (login === undefined) return toSignIn(readUserCode(typed))
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return pageOfRefusal(services, refuse('csrf_refused'))
    const command = form.get('command') ?? ''
    if (!isCommand(command)) return pageOfRefusal(services, refuse('parameter_invalid'))
    const found = await findRequest(services, http, login, typed)
    if (isRefusal(found)) return codeAnswer(services, http, login, { userCode: typed.slice(0, 40), problem: found })
    if (command === 'look') return askedAnswer(services, http, login, found)
    const answered = await answerRequest(services, http, login, found, command)
    if (isRefusal(answered)) return codeAnswer(services, http, login, { problem: answered })
    return seeOther(`/device?done=${command}`)
  }
}

interface FoundRequest {
  readonly row: DeviceCode
  readonly client: Client
  readonly userCode: string
}

/** Counts the guess → finds the request → claims it for this user. Only wrong codes stay counted. */
async function findRequest(
  services: HostedServices,
  http: HttpRequest,
  { user }: SessionOnlySnapshot,
  typed: string,
): Promise<FoundRequest | Refusal> {
  const { counters, store } = services
  const limits = [
    [wrongCodes.byUser, user.id],
    [wrongCodes.fromAddress, addressKey(http.ip)],
  ] as const
  for (const [limit, key] of limits) {
    const { allowed, retryAfterSeconds } = await counters.take(limit, key)
    if (!allowed) return refuse('too_many_attempts', { retryAfterSeconds })
  }
  const code = readUserCode(typed)
  if (code === undefined) return refuse('user_code_invalid')
  const claimed = await decideAndCommit(services, async () => {
    const found = await loadByUserCode(services, code)
    if (found === undefined) return refuse('user_code_invalid')
    const outcome = claimDeviceRequest(found.row, { user, now: found.now })
    return isRefusal(outcome) ? outcome : { result: { row: outcome.row }, change: outcome.change }
  })
  if (isRefusal(claimed)) return claimed
  for (const [limit, key] of limits) await counters.giveBack(limit, key)
  const client = (await store.loadClient(claimed.row.clientId))?.client
  if (client === undefined || client.disabled) return refuse('user_code_invalid')
  return { row: claimed.row, client, userCode: showUserCode(code) }
}

async function loadByUserCode({ store, userCodeKey }: HostedServices, code: string) {
  const named = await store.loadShortLived('userCode', hashUserCode(userCodeKey, code))
  return named && store.loadShortLived('deviceCode', named.row.deviceCodeHash)
}

/** Loaded and judged anew: what was shown may have been answered elsewhere meanwhile. */
function answerRequest(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  { row, client }: FoundRequest,
  command: 'allow' | 'deny',
): Promise<object | Refusal> {
  return decideAndCommit(services, async () => {
    const found = await services.store.loadShortLived('deviceCode', row.hash)
    const living = await services.cookies.session(http)
    if (living === undefined || living.session.id !== login.session.id) return refuse('session_ended')
    if (found === undefined) return refuse('user_code_invalid')
    const grant = needsGrant(client) ? (await services.store.loadGrant(living.user.id, client.id)).grant : undefined
    const answer = { row: found.row, login: living, client, grant, device: deviceOf(http) }
    const outcome = command === 'allow' ? approveDevice(answer) : denyDevice(answer)
    return isRefusal(outcome) ? outcome : { result: {}, change: outcome.change }
  })
}

function isCommand(word: string): word is DeviceCommand {
  return word === 'look' || word === 'allow' || word === 'deny'
}

function toSignIn(code: string | undefined): HttpAnswer {
  const path = code === undefined ? '/device' : `/device?user_code=${showUserCode(code)}`
  return seeOther(`/sign-in?return_to=${encodeURIComponent(path)}`)
}

function codeAnswer(
  services: HostedServices,
  http: HttpRequest,
  { user }: SessionOnlySnapshot,
  more: { userCode?: string; problem?: Refusal },
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const body = deviceCodePage(services.site, { csrf, user: user.email ?? user.name ?? user.id, ...more })
  return problemPage(more.problem, body, { setCookie })
}

function askedAnswer(
  services: HostedServices,
  http: HttpRequest,
  { user, now }: SessionOnlySnapshot,
  { row, client, userCode }: FoundRequest,
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const body = deviceAskedPage(services.site, {
    csrf,
    now,
    userCode,
    user: user.email ?? user.name ?? user.id,
    application: { name: client.name, firstParty: client.firstParty },
    isVerified: isVouchedFor(client),
    device: row.device,
    askedAt: row.createdAt,
    scopes: describeScopes(services.site, services.config, row.scope.split(' ').filter(Boolean)),
    audiences: row.audiences,
  })
  return page(200, body, { setCookie })
}
