import { expect, test } from 'vitest'
import { createBcryptThreads } from './bcrypt-threads.ts'

test('a thread that ends says why, and the next hash has another', async () => {
  const threads = createBcryptThreads()
  const salt = 'J4u2RakZUhC8sj4LpvvVzu'
  const ended = threads.derive({ password: 'password', cost: 5, salt: 'no salt' })
  await expect(ended).rejects.toMatchObject({
    message: 'the thread that judges bcrypt hashes has ended',
    cause: expect.any(Error),
  })
  expect(await threads.derive({ password: 'correct horse battery', cost: 5, salt })).toBe(
    'y38/68RtqBdqLdbp1.RCHUxvuxBOgFS',
  )
  await threads.close()
})
