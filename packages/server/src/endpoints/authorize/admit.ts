import {
  type Asked,
  type ConsentDecision,
  type Grant,
  judgeAuthentication,
  judgeConsent,
  needsGrant,
  type PushedRequest,
  type SessionOnlySnapshot,
  scopesOfClaims,
  subjectOf,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { pageOfRefusal } from '../../hosted/page-answers.ts'
import type { HttpAnswer, HttpRequest } from '../../http/message.ts'
import { type Parameters, readParameters, repeatable } from '../../http/read-form.ts'
import { answerError } from './authorization-answer.ts'
import { type AuthorizationRequest, findTarget, judgeRequest } from './authorization-request.ts'
import { tooLong } from './invalid-parameter.ts'
import { type AuthorizationParameters, resolvePushedRequest } from './pushed-requests.ts'
import { type Mark, markParameter, readMark, toSignIn } from './reauthentication.ts'

/** A request that may be granted to the user who is signed in, once they have been asked what `decision` says. */
export interface Admitted {
  readonly request: AuthorizationRequest
  readonly login: SessionOnlySnapshot
  /** What leads back here. */
  readonly address: Parameters
  /** Used up with the code (RFC 9126 §4). */
  readonly pushed: PushedRequest | null
  readonly mark: Mark | undefined
  readonly grant: Grant | undefined
  readonly asked: Asked
  readonly decision: ConsentDecision
}

/**
 * Read → whom may it be answered to → what is asked → who is signed in, and is that enough → what have they allowed. Everything is judged anew each time that the
 * browser comes back, whatever the address says by then (CVE-2026-7571). An answer where the way ends here: a page, an error for the client, the sign-in.
 */
export async function admit(services: HostedServices, http: HttpRequest): Promise<Admitted | HttpAnswer> {
  const asked = await readRequest(services, http)
  if (isRefusal(asked)) return pageOfRefusal(services, asked)
  const { parameters, address, pushed } = asked
  const target = await findTarget(services, parameters)
  if (isRefusal(target)) return pageOfRefusal(services, target)
  if (target.client.requiresPushedRequests && pushed === null) {
    return answerError(services, http, target, refuse('pushed_request_required'))
  }
  const request = judgeRequest(services, target, parameters)
  if (isRefusal(request)) return answerError(services, http, target, request)
  const login = await services.cookies.session(http)
  const mark = await readMark(services, http, address, target.now)
  const problem = judgeLogin(services, request, login, mark)
  if (problem === 'sign_in') return signIn(services, http, request, address)
  if (problem !== undefined) return answerError(services, http, target, problem)
  if (login === undefined) throw new Error('Nobody is signed in, and that was enough.')
  const consent = await judgeGrant(services, request, login)
  if (consent.decision.asks && request.prompt.has('none')) {
    return answerError(services, http, target, refuse('consent_required'))
  }
  return { request, address, pushed, login, mark, ...consent }
}

/** The link that leads here: the request, or the reference to what was pushed; on the way back with a mark. */
async function readRequest(services: HostedServices, http: HttpRequest): Promise<AuthorizationParameters | Refusal> {
  const link = readParameters(http.query, repeatable)
  if (isRefusal(link)) return link
  const asked = await resolvePushedRequest(services, link)
  const mark = link.get(markParameter)
  if (isRefusal(asked) || mark === undefined) return asked
  return { ...asked, address: new Map(asked.address).set(markParameter, mark) }
}

async function judgeGrant(
  { store }: HostedServices,
  request: AuthorizationRequest,
  { user }: SessionOnlySnapshot,
): Promise<Pick<Admitted, 'grant' | 'asked' | 'decision'>> {
  const { client } = request
  const grant = needsGrant(client) ? (await store.loadGrant(user.id, client.id)).grant : undefined
  const asked = askedOf(request)
  const decision = judgeConsent({ ...request, grant, asked, prompted: request.prompt.has('consent') })
  return { grant, asked, decision }
}

export function isAdmitted(outcome: Admitted | HttpAnswer): outcome is Admitted {
  return 'request' in outcome
}

/** `sign_in`: the user has to, and may be asked to. `undefined`: nothing. */
function judgeLogin(
  { pairwiseKey }: HostedServices,
  { client, prompt, demand, subjects }: AuthorizationRequest,
  login: SessionOnlySnapshot | undefined,
  mark: Mark | undefined,
): 'sign_in' | Refusal | undefined {
  const asking = prompt.has('none') ? refuse('login_required') : 'sign_in'
  if (login === undefined) return asking
  const authentication = judgeAuthentication(demand, login, mark?.since)
  if (authentication === 'sign_in') return asking
  if (authentication === 'unmet') return refuse('authentication_unmet')
  const own = subjectOf(client, login.user, pairwiseKey)
  if (subjects.every(subject => subject === own)) return undefined
  // Whoever has signed in for this very request is not asked again: it was another user who did.
  const hasTried = mark !== undefined && login.session.authenticatedAt >= mark.since
  return hasTried ? refuse('login_required') : asking
}

function signIn(
  services: HostedServices,
  http: HttpRequest,
  request: AuthorizationRequest,
  address: Parameters,
): HttpAnswer | Promise<HttpAnswer> {
  const creates = request.prompt.has('create') && services.config.signUp === 'open'
  const way = { page: creates ? '/sign-up' : '/sign-in', now: request.now } as const
  return toSignIn(services, http, address, way) ?? answerError(services, http, request, tooLong)
}

/** Single claims that were asked for need the consent to their scope: by another name they would be had without. */
function askedOf({ scope, claims, audiences }: AuthorizationRequest): Asked {
  const scopes = [...scope.split(' ').filter(Boolean), ...scopesOfClaims(claims)]
  return { scopes: [...new Set(scopes)], audiences }
}
