import {
  type AuthenticatedClient,
  type Client,
  isAddressedTo,
  isPublic,
  refreshTokenStands,
  sessionNameFor,
  subjectOf,
} from '@countersign/core'
import { accessTokenPrefix, isRefusal, type Refusal, refreshTokenPrefix, refuse } from '@countersign/protocol'
import { isOutdated } from '../claims/own-claims-of.ts'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { type Parameters, readForm } from '../http/read-form.ts'
import { readRefreshToken } from '../keys/read-refresh-token.ts'
import type { Services } from '../services.ts'
import { type CheckedToken, judgeAccessToken } from '../sign-in/check-access-token.ts'
import { missing } from './token-request.ts'

/**
 * `POST /introspect` (RFC 7662). Judges by the store, and recomputes the countersign: a token forged or altered with a
 * stolen signing key is not active, though its signature is right. An API learns about tokens that are addressed to it, a client about those of its own.
 */
export function introspect(services: Services): Endpoint {
  return async http => {
    const form = readForm(http)
    if (isRefusal(form)) return refusalAnswer(form)
    const token = form.get('token')
    if (token === undefined) return refusalAnswer(missing('token'))
    return token.startsWith(refreshTokenPrefix)
      ? introspectRefreshToken(services, http, form, token)
      : introspectAccessToken(services, http, form, token)
  }
}

/** Who asks, and about whose tokens. */
interface Asking {
  readonly client: Client | AuthenticatedClient
  /** Has the right to ask about what others were given; else its own alone. */
  readonly ofOthers: boolean
}

const right = 'introspection'

/** By a token with the right, or by what a confidential client shows; a public one shows nothing. */
async function authorize(services: Services, http: HttpRequest, form: Parameters): Promise<Asking | Refusal> {
  if (/^(Bearer|DPoP) /i.test(http.header('authorization') ?? '')) {
    const caller = await authorizeCaller(services, http, right, form)
    if (isRefusal(caller)) return caller
    const found = await services.store.loadClient(caller.clientId)
    return found === undefined ? refuse('client_not_allowed') : { client: found.client, ofOthers: true }
  }
  const authenticated = await authenticateClient(services, http, form)
  if (isRefusal(authenticated)) return authenticated
  const { client } = authenticated
  return isPublic(client) ? refuse('client_not_allowed') : { client, ofOthers: client.scopes.includes(right) }
}

async function introspectAccessToken(
  services: Services,
  http: HttpRequest,
  form: Parameters,
  token: string,
): Promise<HttpAnswer> {
  const asking = await authorize(services, http, form)
  if (isRefusal(asking)) return refusalAnswer(asking)
  const judged = await judgeAccessToken(services, token)
  const isTold = !isRefusal(judged) && mayLearn(asking, token, judged)
  if (isTold && (await isOutdated(services, judged))) return inactive()
  if (isTold) return json(200, { active: true, ...describe(judged) })
  return asking.ofOthers ? inactive() : refusalAnswer(refuse('client_not_allowed', { detail: needsRight }))
}

const needsRight = `To ask about the tokens of others, the client needs the scope '${right}'.`

/** A JWT tells itself to whoever holds it; what is in an opaque token is for those who are meant to read it (§4, RFC 6749 §1.4). */
function mayLearn({ client, ofOthers }: Asking, token: string, { claims }: CheckedToken): boolean {
  if (claims.client_id === client.id) return true
  const isReadable = client.serves === null && !token.startsWith(accessTokenPrefix)
  return ofOthers && (isReadable || isAddressedTo(claims, client))
}

function describe({ claims, login }: CheckedToken): object {
  const username = claims.scope?.split(' ').includes('email') ? login?.user.email : undefined
  return { token_type: claims.cnf ? 'DPoP' : 'Bearer', ...claims, ...(username && { username }) }
}

async function introspectRefreshToken(
  services: Services,
  http: HttpRequest,
  form: Parameters,
  token: string,
): Promise<HttpAnswer> {
  const asking = await authorize(services, http, form)
  if (isRefusal(asking)) return refusalAnswer(asking)
  const opened = await readRefreshToken(services.keys, token)
  const login = opened && (await services.store.loadFamily(opened.familyId))
  if (login === undefined || opened === undefined) return inactive()
  if (login.family.clientId !== asking.client.id || !refreshTokenStands(opened, login)) return inactive()
  const { family, session, client } = login
  const idleEndAt = family.rotatedAt + client.lifetimes.idleSeconds * 1000
  return json(200, {
    active: true,
    iss: services.config.issuer,
    sub: subjectOf(client, login.user, services.pairwiseKey),
    client_id: family.clientId,
    scope: family.scope,
    iat: Math.floor(family.rotatedAt / 1000),
    exp: Math.floor(Math.min(idleEndAt, family.absoluteEndAt, session.absoluteEndAt) / 1000),
    sid: sessionNameFor(client, session.id, services.pairwiseKey),
    ...(family.jkt !== null && { cnf: { jkt: family.jkt } }),
  })
}

function inactive(): HttpAnswer {
  return json(200, { active: false })
}
