import type { HttpAnswer, HttpRequest } from '@countersign/server'
import type { Network, Sender, Weather } from '../world/network.ts'
import type { VirtualTime } from '../world/virtual-time.ts'

/** A client as others write it (RFC 6749): no proof of a key, and what it was given in its memory. */
export interface PlainClient {
  readonly sender: Sender & { weather: Weather }
  readonly credentials: ClientCredentials
  refreshToken: string | undefined
  accessToken: string | undefined
  /** By the monotonic clock. */
  expiresAt: number
  /** The reason of the refusal after which it gave up. */
  ended: string | undefined
  /** An access token with time left, refreshed if need be; `undefined` if none can be had. */
  token(): Promise<string | undefined>
  /** Refreshes now. */
  refresh(): Promise<'tokens' | 'ended' | 'no answer'>
}

export interface ClientCredentials {
  readonly clientId: string
  /** A static secret: it is stolen together with the tokens. */
  readonly secret?: string
}

export interface RetryHabits {
  /** Milliseconds that it waits for an answer. */
  readonly patience: number
  /** Milliseconds before each further try; then it gives up until it is used again. */
  readonly pauses: readonly number[]
}

export function createPlainClient(
  world: { time: VirtualTime; network: Network; onEnded: (client: PlainClient, reason: string) => void },
  credentials: ClientCredentials,
  sender: PlainClient['sender'],
  habits: RetryHabits,
): PlainClient {
  const { time } = world
  let underway: Promise<'tokens' | 'ended' | 'no answer'> | undefined

  async function refresh(): Promise<'tokens' | 'ended' | 'no answer'> {
    for (const pause of [0, ...habits.pauses]) {
      if (pause > 0) await time.sleep(pause)
      if (client.ended !== undefined || client.refreshToken === undefined) return 'ended'
      const sentAt = time.now()
      const request = refreshRequest(credentials, client.refreshToken, sender.ip)
      const answer = await ask(world, sender, request, habits.patience)
      if (answer === undefined || answer.status >= 429) continue
      const body = JSON.parse(String(answer.body)) as Record<string, unknown>
      if (answer.status === 200) {
        client.accessToken = String(body.access_token)
        client.expiresAt = sentAt + Number(body.expires_in) * 1000
        if (typeof body.refresh_token === 'string') client.refreshToken = body.refresh_token
        return 'tokens'
      }
      client.ended = String(body.reason)
      world.onEnded(client, client.ended)
      return 'ended'
    }
    return 'no answer'
  }

  const client: PlainClient = {
    sender,
    credentials,
    refreshToken: undefined,
    accessToken: undefined,
    expiresAt: 0,
    ended: undefined,
    refresh() {
      underway ??= refresh().finally(() => {
        underway = undefined
      })
      return underway
    },
    async token() {
      if (client.accessToken === undefined || time.now() > client.expiresAt - 10_000) await client.refresh()
      return client.ended === undefined && time.now() < client.expiresAt ? client.accessToken : undefined
    },
  }
  return client
}

const form = 'application/x-www-form-urlencoded'

export function refreshRequest(
  credentials: ClientCredentials,
  refreshToken: string,
  ip: string,
  proof?: string,
): HttpRequest {
  return formRequest(credentials, { grant_type: 'refresh_token', refresh_token: refreshToken }, ip, proof)
}

/** A request to the token endpoint, with the client's credentials. */
export function formRequest(
  { clientId, secret }: ClientCredentials,
  fields: Readonly<Record<string, string>>,
  ip: string,
  proof?: string,
): HttpRequest {
  const body = new URLSearchParams({ ...fields, ...(secret === undefined && { client_id: clientId }) })
  const headers: Record<string, string | undefined> = {
    'content-type': form,
    authorization: secret === undefined ? undefined : basic(clientId, secret),
    dpop: proof,
  }
  return {
    method: 'POST',
    path: '/token',
    query: '',
    params: {},
    header: name => headers[name],
    body: body.toString(),
    ip,
  }
}

/** Sends, and waits so many milliseconds; `undefined` if no answer came. */
export async function ask(
  { time, network }: { time: VirtualTime; network: Network },
  sender: Sender,
  request: HttpRequest,
  patience: number,
): Promise<HttpAnswer | undefined> {
  let timer: ReturnType<VirtualTime['after']> | undefined
  const impatience = new Promise<undefined>(resolve => {
    timer = time.after(patience, () => resolve(undefined))
  })
  const answer = network.send(sender, request).catch(() => undefined)
  const first = await Promise.race([answer, impatience])
  time.cancel(timer)
  return first
}

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`
}
