import type { FeedEntry, FeedEvent } from '@countersign/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createVerifier } from './create-verifier.ts'
import { type HeldTime, holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import type { Verifier } from './verifier.ts'

/*
 * Messages of the feed that come twice, late or not at all.
 */

let time: HeldTime
let issuer: TestIssuer
let by: Verifier

beforeEach(async () => {
  time = holdTime()
  issuer = await startIssuer(time.nowSeconds)
  issuer.onFollow = ({ headers }) => {
    const from = headers['last-event-id']
    say(from === undefined ? 'snapshot' : 'heartbeat', { position: String(from ?? 'life.4'), after: from?.toString() })
  }
  const revocations = { clientId: 'demo api', clientSecret: 'secret' }
  by = createVerifier({ issuer: issuer.url, audience: 'api', revocations, ...time.runtime })
  await by.ready()
})

afterEach(async () => {
  by.close()
  await issuer.close()
})

interface Message {
  readonly position: string
  readonly after?: string | undefined
  readonly entries?: readonly FeedEntry[]
  readonly asOf?: number
}

function say(event: FeedEvent, { position, after, entries = [], asOf = time.nowSeconds() }: Message): void {
  const page = JSON.stringify({ position, after, as_of: asOf, entries })
  issuer.sendText(`id: ${position}\nevent: ${event}\ndata: ${page}\n\n`)
}

function dead(id: string): FeedEntry[] {
  return [{ kind: 'session', id, until: 4e9 }]
}

const status = () => by.status().revocations

async function until(condition: () => boolean, stepMilliseconds = 0): Promise<void> {
  while (!condition()) {
    time.advance(stepMilliseconds)
    await new Promise(setImmediate)
  }
}

test('a message that was overtaken is asked for again from where the verifier is, and what overtook it is in force already', async () => {
  say('entries', { position: 'life.6', after: 'life.5', entries: dead('second') })
  await until(() => status()?.entries === 1)
  expect(status()?.position).toBe('life.4')
  await until(() => issuer.feedRequests.length === 2, 50)
  expect(issuer.feedRequests[1]?.['last-event-id']).toBe('life.4')
})

test('a heartbeat that comes before the entries that it follows does not hide them', async () => {
  say('heartbeat', { position: 'life.5', after: 'life.5' })
  await until(() => issuer.feedRequests.length === 2, 50)
  expect(issuer.feedRequests[1]?.['last-event-id']).toBe('life.4')
})

test('entries that come twice are taken once, and lead back to nowhere', async () => {
  const first = { position: 'life.5', after: 'life.4', entries: dead('first') }
  say('entries', first)
  say('entries', { position: 'life.6', after: 'life.5', entries: dead('second') })
  say('entries', first)
  say('snapshot', { position: 'life.4' })
  say('heartbeat', { position: 'life.6', after: 'life.6', asOf: time.nowSeconds() + 1 })
  say('entries', { position: 'life.7', after: 'life.6', entries: dead('third') })
  await until(() => status()?.position === 'life.7')
  expect([status()?.entries, issuer.feedRequests.length]).toEqual([3, 1])
})

test('old heartbeats that come again are no word of now: the verifier is stale after ten seconds, and asks anew', async () => {
  const asOf = time.nowSeconds() + 0.5
  say('entries', { position: 'life.5', after: 'life.4', entries: dead('first'), asOf })
  await until(() => status()?.position === 'life.5')
  issuer.onFollow = () => {}
  for (let seconds = 0; seconds < 9; seconds++) {
    time.advance(1_000)
    say('heartbeat', { position: 'life.5', after: 'life.5', asOf })
    say('heartbeat', { position: 'life.4', after: 'life.4', asOf: asOf + 100 })
    say('entries', { position: 'life.5', after: 'life.4', entries: dead(`seen ${seconds}`), asOf })
    await until(() => status()?.entries === 2 + seconds)
  }
  expect(status()?.state).toBe('current')
  time.advance(1_000)
  expect(status()?.state).toBe('stale')
  await until(() => issuer.feedRequests.length === 2, 50)
})
