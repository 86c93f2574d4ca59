import { expect, test } from 'vitest'
import { type Change, combine } from './change.ts'
import { sampleSignIn } from './sample-rows.ts'

const { family, session, now } = sampleSignIn()
const plain: Change = { writes: [{ table: 'family', row: family }], audit: [], entries: [], durable: false, time: now }
const durable: Change = {
  writes: [{ table: 'session', row: session }],
  audit: [{ event: 'session.ended', time: now }],
  entries: [{ kind: 'session', id: session.id, until: 1 }],
  durable: true,
  time: now,
}

test('changes combine to one, which is durable if any of them is', () => {
  expect(combine(plain, durable)).toEqual({ ...durable, writes: [...plain.writes, ...durable.writes] })
  expect(combine(durable, plain).durable).toBe(true)
  expect(combine(plain, plain).durable).toBe(false)
  expect(combine(plain)).toEqual(plain)
})
