import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

test('under one key one comes after the other, a failure too; under others nobody waits', async () => {
  const turns = createTurns()
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  const run = (key: string, name: string, work = Promise.resolve()) =>
    turns.take(key, async hasWaited => {
      await work
      done.push(`${name} ${hasWaited}`)
    })
  const all = [run('a', 'one', first.promise), run('a', 'two', Promise.reject(new Error('broken'))), run('a', 'three')]
  await run('b', 'other')
  expect(done).toEqual(['other false'])
  first.resolve()
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(done).toEqual(['other false', 'one false', 'three true'])
  await run('a', 'later')
  expect(done.at(-1)).toBe('later false')
})
