import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
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

const lines = (all: readonly (object | string)[]): string =>
  all.map(one => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')

/** An import that reads what the test writes. */
function importing({ configuration: file }: Installation) {
  const args = [inject('command'), 'users', 'import', '-', '--config', file]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    child.emit('said')
  })
  const ended = once(child, 'close')
  return {
    child,
    ended,
    async said(text: string) {
      while (!said.includes(text)) await Promise.race([once(child, 'said'), ended.then(() => Promise.reject(said))])
    },
  }
}

describe.concurrent.each(bothWays)('users import %s', (_where, operateOn) => {
  test('as it is published, and people sign in with what they had: afterwards the store has no hash of elsewhere', async () => {
    const house = await givenInstallation(configuration)
    installed.push(house)
    const server = await startServer(house)
    const file = join(house.folder, 'users.ndjson')
    const users = Object.entries(hashes).map(([email, hash]) => ({ email, email_verified: true, password_hash: hash }))
    const refused = [{ email: 'md5@example.com', password_hash: '5f4dcc3b5aa765d61d8327deb882cf99' }]
    writeFileSync(file, lines([...users, ...refused, '', 'no JSON']))
    const said =
      /^\rline 5: 2 (would be )?imported, 0 there already, 2 refused\n2 of them have neither an id nor an identity\. /
    const tried = await operate(house, 'users', 'import', file, '--dry-run')
    expect([tried.code, tried.stderr]).toEqual([1, expect.stringMatching(said)])
    expect(tried.stderr).toContain('would be imported')
    const { code, stdout, stderr } = await operateOn(house, server, 'users', 'import', file)
    expect([code, stderr]).toEqual([1, expect.stringMatching(said)])
    expect(stderr).not.toContain('would be imported')
    expect(stdout).toBe(tried.stdout)
    expect(
      stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      { line: 3, reason: 'password_hash_unsupported' },
      { line: 5, reason: 'request_malformed', detail: 'The line is no JSON object.' },
    ])
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
    const output = house.started.map(one => one.output()).join('\n')
    for (const hash of Object.values(hashes)) expect(output + stdout + stderr).not.toContain(hash)
  })
})

test('an import that is killed in the middle is done again as a whole, and nobody comes twice', async () => {
  const house = await givenInstallation(configuration)
  installed.push(house)
  await (await startServer(house)).end('SIGTERM')
  const users = Array.from({ length: 250 }, (_, place) => ({
    email: `user-${place}@example.com`,
    identities: [{ connection: 'github', subject: `${place}` }],
  }))
  const killed = importing(house)
  // It waits for more.
  killed.child.stdin.write(`${lines(users.slice(0, 150))}\n`)
  await killed.said('line 100: 100 imported')
  killed.child.kill('SIGKILL')
  await killed.ended
  const again = importing(house)
  again.child.stdin.end(lines(users))
  await again.said('line 250: 150 imported, 100 there already, 0 refused\n')
  expect(await again.ended).toEqual([0, null])
  const { stdout } = await operate(house, 'users', 'list')
  expect(stdout.match(/user-\d+@example\.com/g)).toHaveLength(250)

  const nowhere = await operate(house, 'users', 'import', join(house.folder, 'nowhere.ndjson'))
  expect(nowhere.code).toBe(1)
  expect(nowhere.stderr).toContain('nowhere.ndjson cannot be read: no such file.')
})
