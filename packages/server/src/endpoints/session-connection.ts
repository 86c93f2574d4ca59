import type { Arrived, Connection } from '@countersign/connections'
import { type AuthenticatedClient, type Change, combine, grantScope, hashCode, type Write } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import { judgeArrived } from '../connections/judge-arrived.ts'
import { checkClientProof } from '../dpop/client-proof.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import { addressKey } from '../passwords/address-key.ts'
import type { Services } from '../services.ts'
import { decideLogin } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { loadSuperseded, openAnswered } from './login-answer.ts'

const token = z.string().min(1).max(16_384)
const connectionBody = z.strictObject({
  connection: z.string().max(32),
  client_id: z.string().max(200),
  id_token: token.optional(),
  access_token: token.optional(),
  nonce: z.string().min(1).max(200).optional(),
  scope: z.string().max(2000).optional(),
  supersedes: z.string().max(200).optional(),
})

/** A token of a provider is good here for one login, however long it lives there. Longer than any ID token does. */
const usedTokenMs = 24 * 3_600_000
const attempts = { kind: 'tokens of providers', attempts: 100, windowSeconds: 60 }

/**
 * `POST /v1/sessions/connection`: an app has got a token of the provider by itself (a native SDK, one-tap). Nothing of it is believed before the provider's keys, or the
 * provider itself, have said that it stands and was made for us.
 */
export function logInByConnection(services: Services): Endpoint {
  return async http => {
    const wanted = readJson(http, connectionBody)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    if ((wanted.id_token === undefined) === (wanted.access_token === undefined)) {
      return refusalAnswer(refuse('parameter_invalid', { detail: 'One of id_token and access_token is needed.' }))
    }
    const client = await directClient(services, wanted.client_id)
    if (isRefusal(client)) return refusalAnswer(client)
    const connection = services.connections.byName(wanted.connection)
    if (connection?.checkToken === undefined) return refusalAnswer(refuse('connection_unknown'))
    const scope = grantScope(wanted.scope, client.scopes, client.defaultScopes)
    if (scope === undefined) return refusalAnswer(refuse('scope_invalid'))
    const limit = await services.counters.take(attempts, addressKey(http.ip))
    if (!limit.allowed) return refusalAnswer(refuse('too_many_attempts', limit))
    const proof = checkClientProof(services, client, http)
    if (isRefusal(proof)) return refusalAnswer(proof)
    const arrived = await connection.checkToken(presentedOf(wanted))
    if (isRefusal(arrived)) return refusalAnswer(arrived)
    const spent = await proof.spend()
    if (spent !== undefined) return refusalAnswer(spent)
    const login = { client, scope, jkt: proof.jkt, device: deviceOf(http) }
    const presented = wanted.id_token ?? wanted.access_token ?? ''
    const opened = await openFor(services, { ...login, connection, arrived, presented, supersedes: wanted.supersedes })
    return isRefusal(opened) ? refusalAnswer(opened) : json(201, opened)
  }
}

async function directClient({ store }: Services, id: string): Promise<AuthenticatedClient | Refusal> {
  const client = (await store.loadClient(id))?.client
  if (client === undefined || client.disabled) return refuse('client_authentication_failed')
  const isDirect = client.directLogin && client.firstParty && client.secretHashes.length === 0
  return isDirect ? (client as AuthenticatedClient) : refuse('client_not_allowed')
}

function presentedOf({ id_token, access_token, nonce }: z.infer<typeof connectionBody>) {
  return {
    ...(id_token !== undefined && { idToken: id_token }),
    ...(access_token !== undefined && { accessToken: access_token }),
    ...(nonce !== undefined && { nonce }),
  }
}

/** User, identity, profile, the provider's tokens and the login: one commit, which uses the presented token up. */
function openFor(
  services: Services,
  login: Pick<Parameters<typeof openAnswered>[1], 'client' | 'scope' | 'jkt' | 'device'> & {
    connection: Connection
    arrived: Arrived
    presented: string
    supersedes: string | undefined
  },
) {
  const { connection, arrived, device, client } = login
  const hash = hashCode(`${connection.name} ${login.presented}`)
  return decideLogin(services, `${connection.name} ${arrived.person.subject}`, async () => {
    if ((await services.store.loadShortLived('usedOnce', hash)) !== undefined) return refuse('provider_token_invalid')
    const arrival = await judgeArrived(services, connection, arrived, { device })
    if (isRefusal(arrival)) return arrival
    const { snapshot, user, change: news } = arrival
    const superseded = await loadSuperseded(services, login.supersedes, { userId: user.id, clientId: client.id })
    const opened = await openAnswered(services, {
      snapshot,
      user,
      client,
      scope: login.scope,
      jkt: login.jkt,
      device,
      amr: ['ext'],
      superseded,
      random: services.random,
    })
    const use: Write = { table: 'usedOnce', row: { hash, expiresAt: snapshot.now + usedTokenMs, version: 0 } }
    const change = { ...opened.change, writes: [...opened.change.writes, use] }
    return { result: opened.result, change: news ? withoutTwins(combine(news, change)) : change }
  })
}

/** Both may write the user: what comes from the provider is the row that counts. */
function withoutTwins(change: Change): Change {
  const [first, ...others] = change.writes.filter(({ table }) => table === 'user')
  return {
    ...change,
    writes: change.writes.filter(write => write.table !== 'user' || write === first || !others.includes(write)),
  }
}
