import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { configuration, logIn, me, tryLogIn } from './testing/app-install.ts'
import { bothWays } from './testing/operate-both-ways.ts'
import { givenInstallation, type Installation, operate, startServer } from './testing/server-process.ts'

const installed: Installation[] = []
afterAll(() => {
  for (const one of installed) one.remove()
})

/** Made by Python's bcrypt and Django. */
const hashes = {
  'bcrypt@example.com': '$2b$05$J4u2RakZUhC8sj4LpvvVzuy38/68RtqBdqLdbp1.RCHUxvuxBOgFS',
  'django@example.com': 'pbkdf2_sha256$1000$hJ3kq9LmZtWx0Aa1Bb2Cc3$dqPvO3fA8xdiDJ7NXiRvrFnBVLuxO6ctcFheI2BTrFk=',
}
const password = 'correct horse battery'

describe.concurrent.each(bothWays)('users import %s', (_where, operateOn) => {
  test('as it is published, and people sign in with what they had: afterwards the store has no hash of elsewhere', async () => {
    const house = await givenInstallation(configuration)
    installed.push(house)
    const server = await startServer(house)
    const file = join(house.folder, 'users.ndjson')
    const users = Object.entries(hashes).map(([email, hash]) => ({ email, email_verified: true, password_hash: hash }))
    writeFileSync(file, users.map(user => JSON.stringify(user)).join('\n'))
    const { code, stdout, stderr } = await operateOn(house, server, 'users', 'import', file)
    expect([code, stdout, stderr]).toEqual([0, '', '\rline 2: 2 imported, 0 there already, 0 refused\n'])
    for (const email of Object.keys(hashes)) {
      const wrong = await tryLogIn(house.issuer, { who: { email, password: 'another horse battery' } })
      expect(wrong?.answer.json.reason).toBe('login_failed')
      const login = await logIn(house.issuer, { who: { email, password } })
      expect((await me(house.issuer, login)).json.email).toBe(email)
    }
    const imported = await operate(house, 'users', 'imported')
    expect(imported).toMatchObject({ code: 0, stdout: '', stderr: 'There are none.\n' })
    // The threads that judge bcrypt hold up no stop.
    expect(await house.started.at(-1)?.end('SIGTERM')).toMatchObject({ code: 0 })
    const said = house.started.map(one => one.output()).join('\n')
    for (const hash of Object.values(hashes)) expect(said).not.toContain(hash)
  })
})
