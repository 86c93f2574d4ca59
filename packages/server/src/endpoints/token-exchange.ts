import { exchangeToken, idOf, impersonate, isPublic, type SubjectToken } from '@countersign/core'
import { type AccessTokenClaims, isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { withOwnClaims } from '../claims/own-claims-of.ts'
import { rightsOfBackEnds } from '../clients/rights-of-back-ends.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import type { Parameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { type CheckedToken, judgeAccessToken } from '../sign-in/check-access-token.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { issueAccessToken, schemaVersionOf } from '../sign-in/issue-access-token.ts'
import { isAbsoluteUri } from './grant-audiences.ts'
import { missing, type TokenRequest } from './token-request.ts'

/** Scopes of a client, and rights of its own: to act for the subject of a token that it was sent, and as any user. */
const rights = { exchange: 'tokens:exchange', impersonate: 'tokens:impersonate' }

const typePrefix = 'urn:ietf:params:oauth:token-type:'
const accessTokenTypes: ReadonlySet<string> = new Set([`${typePrefix}access_token`, `${typePrefix}jwt`])
/** The subject is one of our users, by their id. */
const userIdType = 'urn:countersign:token-type:user_id'

/** `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): judge the tokens → decide → sign → commit → answer. Never a refresh token. */
export async function exchange(services: Services, request: TokenRequest): Promise<HttpAnswer> {
  const { form, client } = request
  if (isPublic(client)) return refusalAnswer(refuse('client_not_allowed'))
  const asked = readExchange(form)
  if (isRefusal(asked)) return refusalAnswer(asked)
  const right = asked.subjectType === userIdType ? rights.impersonate : rights.exchange
  if (!client.scopes.includes(right)) {
    return refusalAnswer(refuse('client_not_allowed', { detail: `The client needs the scope '${right}'.` }))
  }
  const claims = await (asked.subjectType === userIdType
    ? actAsUser(services, request, asked)
    : actForSubject(services, request, asked))
  if (isRefusal(claims)) return refusalAnswer(claims)
  return json(200, {
    access_token: issueAccessToken(services, client, claims),
    issued_token_type: `${typePrefix}access_token`,
    token_type: claims.cnf === undefined ? 'Bearer' : 'DPoP',
    expires_in: claims.exp - claims.iat,
    scope: claims.scope,
    server_time: Math.floor(request.clientSnapshot.now / 1000),
  })
}

interface AskedExchange {
  readonly subject: string
  readonly subjectType: string
  readonly actor: string | undefined
  readonly scope: string | undefined
  readonly audiences: readonly string[] | undefined
}

function readExchange(form: Parameters): AskedExchange | Refusal {
  const [subject, subjectType] = [form.get('subject_token'), form.get('subject_token_type')]
  if (subject === undefined) return missing('subject_token')
  if (subjectType === undefined) return missing('subject_token_type')
  const [actor, actorType] = [form.get('actor_token'), form.get('actor_token_type')]
  if ((actor === undefined) !== (actorType === undefined)) return missing('actor_token or actor_token_type')
  const isKnown = subjectType === userIdType || accessTokenTypes.has(subjectType)
  if (!isKnown || (actorType !== undefined && !accessTokenTypes.has(actorType))) {
    return refuse('parameter_invalid', { detail: 'The type of a token is not one that can be exchanged.' })
  }
  const wanted = form.get('requested_token_type')
  if (wanted !== undefined && !accessTokenTypes.has(wanted)) {
    return refuse('parameter_invalid', { detail: 'Only access tokens are given in exchange.' })
  }
  const audiences = readTargets(form)
  return isRefusal(audiences) ? audiences : { subject, subjectType, actor, scope: form.get('scope'), audiences }
}

/** §2.1: `resource` names APIs by their URI, `audience` by any name of theirs; both may be repeated. */
function readTargets(form: Parameters): readonly string[] | undefined | Refusal {
  const resources = form.get('resource')?.split(' ') ?? []
  if (!resources.every(isAbsoluteUri)) return refuse('resource_invalid')
  const all = [...resources, ...(form.get('audience')?.split(' ') ?? [])]
  return all.length === 0 ? undefined : [...new Set(all)]
}

async function actForSubject(
  services: Services,
  { client, proof, clientSnapshot }: TokenRequest,
  asked: AskedExchange,
): Promise<Omit<AccessTokenClaims, 'jti'> | Refusal> {
  const subject = await loadSubject(services, asked.subject)
  if (subject === undefined) return refuse('subject_token_invalid')
  const actor = asked.actor === undefined ? undefined : await loadSubject(services, asked.actor)
  if (asked.actor !== undefined && actor === undefined) return refuse('actor_token_invalid')
  const claims = exchangeToken({
    ...asked,
    issuer: services.config.issuer,
    apiLifetimes: services.config.apiLifetimes,
    schemaVersion: schemaVersionOf(services),
    now: clientSnapshot.now,
    client,
    subject,
    actor: actor?.claims,
    jkt: client.accessTokenBinding === 'dpop' ? proof.jkt : undefined,
  })
  if (isRefusal(claims)) return claims
  const { login } = subject
  // What the user was asked about before somebody else came to act is what may be told of them.
  const consent = login?.client.consent === 'asked' ? 'asked' : client.consent
  const told = login ? await withOwnClaims(services, claims, { user: login.user, client, consent }) : claims
  return (await proof.spend()) ?? told
}

/** Checked as at our own endpoints: what is revoked, expired or forged is exchanged for nothing. */
async function loadSubject(
  services: Services,
  token: string,
): Promise<(SubjectToken & Pick<CheckedToken, 'login'>) | undefined> {
  const checked = await judgeAccessToken(services, token)
  if (isRefusal(checked)) return undefined
  return { claims: checked.claims, login: checked.login, loginAudiences: checked.login?.family.audiences ?? [] }
}

async function actAsUser(
  services: Services,
  { client, proof }: TokenRequest,
  asked: AskedExchange,
): Promise<Omit<AccessTokenClaims, 'jti'> | Refusal> {
  if (asked.actor !== undefined) return refuse('actor_token_invalid')
  const decided = await decideAndCommit(services, async () => {
    const snapshot = await services.store.loadUser(idOf(asked.subject) ?? '')
    const outcome = impersonate({
      ...asked,
      snapshot,
      issuer: services.config.issuer,
      apiLifetimes: services.config.apiLifetimes,
      schemaVersion: schemaVersionOf(services),
      client,
      notForUsers: [...rightsOfBackEnds, 'revocations'],
      jkt: client.accessTokenBinding === 'dpop' ? proof.jkt : undefined,
    })
    if (isRefusal(outcome)) return outcome
    const { user } = snapshot
    const claims = user
      ? await withOwnClaims(services, outcome.claims, { user, client, consent: client.consent })
      : outcome.claims
    const spent = await proof.spend()
    if (spent !== undefined) return spent
    return { result: { claims }, change: outcome.change }
  })
  return isRefusal(decided) ? decided : decided.claims
}
