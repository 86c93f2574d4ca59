import { expect, test } from 'vitest'
import { sampleClient, sampleDevice, sampleIssuer, sampleRandom, sampleTime, sampleUser } from '../sample-rows.ts'
import { makeRoom } from './make-room.ts'
import { openBrowserSession, openLogin } from './open-session.ts'

const user = sampleUser({ epoch: 3 })
const client = sampleClient({ epoch: 4 })
const issuer = sampleIssuer({ epoch: 5 })
const random = sampleRandom()

/** So many logins, a second after each other; the last comes first, as stores list them. */
function logins(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const snapshot = { now: sampleTime + index * 1000, issuer }
    const opened = openLogin({
      snapshot,
      user,
      client,
      device: sampleDevice,
      amr: ['pwd'],
      scope: 'account',
      jkt: undefined,
      random,
    })
    return { session: opened.session, families: [opened.family] }
  }).reverse()
}

const snapshot = { now: sampleTime + 3_600_000, issuer }
const room = { snapshot, user, clientId: client.id, device: sampleDevice }

test('from forty on the one that was used longest ago is written as it is, so that of two logins at once one sees the other', () => {
  expect(makeRoom({ ...room, logins: logins(39) })).toEqual([])
  const taken = logins(40)
  const row = taken.at(-1)?.session
  const change = { writes: [{ table: 'session', row }], audit: [], entries: [], durable: true, time: snapshot.now }
  expect(makeRoom({ ...room, logins: taken })).toEqual([change])
})

test('for a hundredth session nothing ends; for one more the one that was used longest ago does, with its entry and its record', () => {
  expect(makeRoom({ ...room, logins: logins(99) })).toMatchObject([{ entries: [], audit: [] }])
  const taken = logins(100)
  const oldest = taken.at(-1)
  expect(makeRoom({ ...room, logins: taken })).toMatchObject([
    {
      writes: [{ table: 'session', row: { id: oldest?.session.id, endedAt: snapshot.now, endReason: 'superseded' } }],
      entries: [{ kind: 'session', id: oldest?.session.id }],
      audit: [{ event: 'session.ended', facts: { reason: 'superseded' }, personal: { ip: sampleDevice.ip } }],
      durable: true,
    },
  ])
})

test('what nobody ever used ends first, however much later it was begun than the one in use', () => {
  const taken = logins(100)
  const own = taken.at(-1)
  if (own === undefined) throw new Error('too few')
  const families = own.families.map(family => ({ ...family, generation: 1, rotatedAt: sampleTime + 500 }))
  const [change] = makeRoom({ ...room, logins: [...taken.slice(0, -1), { ...own, families }] })
  expect(change?.entries).toMatchObject([{ kind: 'session', id: taken.at(-2)?.session.id }])
})

test('a browser’s session is used without a refresh: there the last use alone counts', () => {
  const browsers = logins(100).map(({ session, families }) => ({ session: { ...session, clientId: null }, families }))
  const oldest = browsers.at(-1)
  if (oldest === undefined) throw new Error('too few')
  const families = oldest.families.map(family => ({ ...family, generation: 1, rotatedAt: sampleTime + 500 }))
  const [change] = makeRoom({ ...room, clientId: null, logins: [...browsers.slice(0, -1), { ...oldest, families }] })
  expect(change?.entries).toMatchObject([{ kind: 'session', id: oldest.session.id }])
})

test('a refresh or a new sign-in is use: the session lives, and another ends', () => {
  const taken = logins(100)
  const [second, first] = taken.slice(-2)
  if (first === undefined || second === undefined) throw new Error('too few')
  const refreshed = { ...first, families: first.families.map(family => ({ ...family, rotatedAt: snapshot.now })) }
  const renewed = { ...second, session: { ...second.session, authenticatedAt: snapshot.now } }
  const [change] = makeRoom({ ...room, logins: [...taken.slice(0, -2), renewed, refreshed] })
  expect(change?.entries).toMatchObject([{ kind: 'session', id: taken.at(-3)?.session.id }])
})

test('those of other clients and of browsers do not count, nor does the one that ends anyway', () => {
  const taken = logins(100)
  expect(makeRoom({ ...room, clientId: 'other', logins: taken })).toEqual([])
  expect(makeRoom({ ...room, clientId: null, logins: taken })).toEqual([])
  expect(makeRoom({ ...room, logins: taken, besides: taken[50]?.session.id })).toMatchObject([{ entries: [] }])
  const device = sampleDevice
  const browsers = Array.from({ length: 100 }, () => ({
    session: openBrowserSession({ snapshot, user, device, amr: ['pwd'], random }).session,
    families: [],
  }))
  expect(makeRoom({ ...room, clientId: null, logins: browsers })).toHaveLength(1)
})

test('of thousands too many ten end at a time', () => {
  expect(makeRoom({ ...room, logins: logins(1_000) })).toHaveLength(10)
})
