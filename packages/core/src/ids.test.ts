import { expect, test } from 'vitest'
import { idOf, isId, makeId, uuidOf } from './ids.ts'
import { sampleRandom, sampleTime } from './sample-rows.ts'

test('an id is 22 characters, grows with time, and is another one each time', () => {
  const random = sampleRandom()
  const ids = Array.from({ length: 100 }, (_, n) => makeId(sampleTime + n, random))
  expect(ids.every(isId)).toBe(true)
  expect(new Set(ids).size).toBe(100)
  const bytes = ids.map(id => Buffer.from(id, 'base64url'))
  expect([...bytes].sort(Buffer.compare)).toEqual(bytes)
})

test('what is cut, padded, longer, in another alphabet or with stray bits is no id', () => {
  const id = makeId(sampleTime, sampleRandom())
  const stray = `${id.slice(0, -1)}B`
  for (const text of [
    '',
    id.slice(1),
    `${id}A`,
    `${id}=`,
    `${id}\n`,
    stray,
    id.replace(/^./, '+'),
    '../../../etc/passwd.aA',
    "' OR 1=1 -- 0123456789",
  ]) {
    expect(isId(text)).toBe(false)
  }
})

test('an id and the UUID of the same bytes are one, however the UUID is written', () => {
  const id = makeId(sampleTime, sampleRandom())
  const uuid = uuidOf(id)
  expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  for (const spelling of [id, uuid, uuid.toUpperCase()]) expect(idOf(spelling)).toBe(id)
})

test('what is neither, and the id of no byte but zeros, is nobody’s', () => {
  const uuid = uuidOf(makeId(sampleTime, sampleRandom()))
  for (const text of [
    '',
    '17',
    `{${uuid}}`,
    `${uuid} `,
    uuid.replaceAll('-', ''),
    'A'.repeat(22),
    uuid.replace(/[0-9a-f]/g, '0'),
  ])
    expect(idOf(text)).toBeUndefined()
})
