import {
  beginLogoutAttempt,
  type Client,
  finishLogout,
  type LogoutDelivery,
  logoutAttemptsAtMost,
  logoutTokenClaims,
  logoutTokenType,
  postponeLogout,
  sessionNameFor,
  signJws,
  subjectOf,
  type Write,
} from '@countersign/core'
import type { Services } from '../services.ts'

type Needed = Pick<Services, 'config' | 'store' | 'keys' | 'pairwiseKey' | 'outbound' | 'random' | 'log'>

const timeoutMs = 5_000
/** Nothing in the answer matters but its status. */
const bytesAtMost = 64 * 1024

/** Begins an attempt. `undefined`: another node was first. */
export async function claimLogout(services: Needed, delivery: LogoutDelivery): Promise<LogoutDelivery | undefined> {
  const { now } = await services.store.loadIssuer()
  return write(services, beginLogoutAttempt(delivery, now, timeoutMs), now)
}

/**
 * The attempt that was begun, to tell a client (OpenID Connect Back-Channel Logout §2.5): sign → send → write down. False: it did not answer as
 * it should.
 */
export async function sendLogout(services: Needed, begun: LogoutDelivery): Promise<boolean> {
  const { store, outbound } = services
  const { now } = await store.loadIssuer()
  const client = (await store.loadClient(begun.clientId))?.client
  if (client === undefined || client.disabled || client.backchannelLogoutUri === null) {
    await write(services, finishLogout(begun, now), now)
    return true
  }
  const token = await logoutToken(services, client, begun)
  const answer = await outbound({
    url: client.backchannelLogoutUri,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ logout_token: token }).toString(),
    bytesAtMost,
    timeoutMs,
  })
  const isTold = answer.failed === undefined && answer.status >= 200 && answer.status < 300
  if (!isTold) tellOperator(services, begun, answer.failed ?? answer.status)
  if (isTold || begun.attempts >= logoutAttemptsAtMost) await write(services, finishLogout(begun, now), now)
  return isTold
}

/** Puts a delivery off without an attempt. */
export async function postpone(services: Needed, delivery: LogoutDelivery, milliseconds: number): Promise<void> {
  const { now } = await services.store.loadIssuer()
  await write(services, postponeLogout(delivery, now + milliseconds), now)
}

/** The row as it is then; `undefined` if another node has changed it. */
async function write({ store }: Needed, row: LogoutDelivery, time: number): Promise<LogoutDelivery | undefined> {
  const writes: Write[] = [{ table: 'logoutDelivery', row }]
  const outcome = await store.commit({ writes, audit: [], entries: [], durable: true, time })
  return outcome === 'committed' ? { ...row, version: row.version + 1 } : undefined
}

async function logoutToken(services: Needed, client: Client, delivery: LogoutDelivery): Promise<string> {
  const { config, store, keys, pairwiseKey, random } = services
  const { user, now } = await store.loadUser(delivery.userId)
  await keys.want(client.idTokenAlgorithm)
  const isKnown = user !== undefined && user.deletedAt === null
  const claims = logoutTokenClaims({
    issuer: config.issuer,
    clientId: client.id,
    sub: isKnown ? subjectOf(client, user, pairwiseKey) : undefined,
    sid: sessionNameFor(client, delivery.sessionId, pairwiseKey),
    now,
    random,
  })
  return signJws(keys.signer(client.idTokenAlgorithm, logoutTokenType), claims)
}

function tellOperator({ log }: Needed, { clientId, attempts }: LogoutDelivery, outcome: string | number): void {
  const isLast = attempts >= logoutAttemptsAtMost
  const text = isLast ? 'a client was not told of the end of a session' : 'a client could not be told yet'
  log.warn({ client: clientId, outcome, attempts }, text)
}
