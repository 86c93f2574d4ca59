import { createPrivateKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deriveKey, unseal } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiSecret, backendSecret, configuration, refresh } from './testing/app-install.ts'
import { type Answer, type Call, call, observers } from './testing/http-call.ts'
import { createProofKey } from './testing/proof-key.ts'
import { createSecretRecorder } from './testing/secret-recorder.ts'
import { filesIn, findSecrets, type Place } from './testing/secret-search.ts'
import {
  type Ended,
  givenInstallation,
  type Installation,
  operate,
  run,
  startServer,
} from './testing/server-process.ts'
import { signingKeys } from './testing/signing-keys.ts'
import { withStore } from './testing/stored-state.ts'
import { useEverything } from './testing/whole-scenario.ts'

const recorder = createSecretRecorder()
const observe = (what: Call, answer: Answer | undefined): void => recorder.record(what, answer)
/** What lies in a data folder and may be a secret: the key that everything else is kept under. */
const allowed = ['master.key']
const places: Place[] = []
let installed: Installation

/** What did not happen has leaked nothing. */
async function done(ended: Promise<Ended>): Promise<Ended> {
  const { code, stderr } = await ended
  if (code !== 0) throw new Error(`it ended with ${code}: ${stderr}`)
  return ended
}

/** What a process printed is a place, and so is every file of the data folder as it is now. */
function look(when: string, ended?: Ended): void {
  if (ended) places.push({ name: `what was printed, ${when}`, bytes: Buffer.from(ended.stdout + ended.stderr) })
  for (const { name, bytes } of filesIn(installed.dataFolder, allowed)) places.push({ name: `${name}, ${when}`, bytes })
}

/** The private halves of the ring's keys, and all that is derived from the master key. */
async function addKeys(): Promise<void> {
  const text = readFileSync(join(installed.dataFolder, 'master.key'), 'utf8').trim()
  const master = Buffer.from(text, 'base64url')
  recorder.add('master key', text)
  for (const label of ['key ring 1', 'countersign 1', 'cookie 1', 'dpop nonce 1', 'audit 1', 'refresh key 1']) {
    recorder.add(`key "${label}"`, deriveKey(master, label).export())
  }
  const { keyRing } = await withStore(installed.dataFolder, store => store.loadIssuer())
  for (const { kid, sealedPrivate } of keyRing.signing) {
    const der = unseal(deriveKey(master, 'key ring 1'), kid, sealedPrivate ?? '')
    if (der === undefined) continue
    recorder.add('signing key', der)
    const { d } = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
    recorder.add('signing key, d', d)
  }
}

beforeAll(async () => {
  installed = await givenInstallation(configuration)
  observers.add(observe)
  for (const secret of [apiSecret, backendSecret]) recorder.add('client secret', secret)
  const key = createProofKey()
  recorder.add('proof key', key.privateText)

  const first = await startServer(installed)
  const living = await useEverything(installed.issuer, key)
  look('while it runs')
  const { active = '' } = await signingKeys(installed)
  look('after a kill', await first.end('SIGKILL'))
  await addKeys()

  const second = await startServer(installed)
  for (const install of living) expect((await refresh(installed.issuer, install))?.status).toBe(200)
  look('after keys retire', await done(operate(installed, 'keys', 'retire', active)))
  look('after audit export', await done(operate(installed, 'audit', 'export')))
  for (const install of living) expect((await refresh(installed.issuer, install))?.status).toBe(200)
  const [{ refreshToken = '' } = {}] = living
  look('after wrong commands', await operate(installed, 'keys', 'retire', refreshToken))
  look('after wrong commands', await operate(installed, 'users', 'disable', refreshToken))
  look('after the end', await second.end('SIGTERM'))
  await addKeys()

  const wrongKey = { environment: { COUNTERSIGN_MASTER_KEY: refreshToken } }
  look('with a wrong key', await run(['serve', '--config', installed.configuration], wrongKey).ended)
  const wrongFile = join(installed.folder, 'wrong.json')
  const clients = [{ id: 'app', secrets: [backendSecret.slice(0, 20)], redirect_uris: [refreshToken] }]
  writeFileSync(wrongFile, JSON.stringify({ clients, issuer: apiSecret, sign_up: backendSecret }))
  recorder.add('short client secret', backendSecret.slice(0, 20))
  look('with a wrong file', await run(['serve', '--config', wrongFile]).ended)
})

afterAll(() => {
  observers.delete(observe)
  installed.remove()
})

test('the scenario saw secrets of every kind', () => {
  const kinds = [...recorder.secrets.keys()].map(name => name.replace(/ \d+$/, ''))
  const wanted = [
    ...['password', 'new_password', 'client secret', 'code', 'code_verifier', 'csrf', 'cookie'],
    ...['access_token', 'refresh_token', 'authorization', 'proof', 'proof key', 'master key', 'signing key'],
  ]
  expect(wanted.filter(kind => !kinds.includes(kind))).toEqual([])
  expect(recorder.secrets.size).toBeGreaterThan(100)
  expect(places.map(({ name }) => name)).toContain('countersign.sqlite-wal, after a kill')
})

test('nothing printed and nothing stored holds a token, a password or a secret, in any spelling', () => {
  expect(findSecrets(recorder.secrets, places)).toEqual([])
})

describe('the search itself', () => {
  const secret = 'Zn3wPq-1nJx8_rYdTq7Lk2mVb9sQe4hT'
  const bytes = Buffer.from(secret)
  const written: readonly (readonly [string, string | Buffer])[] = [
    ['as it is', `{"time":1,"text":"refused","token":"${secret}"}`],
    ['in hexadecimal', `x'${bytes.toString('hex')}'`],
    ['in HEXADECIMAL', bytes.toString('hex').toUpperCase()],
    ...['', 'a', 'ab', 'abc'].map(
      before =>
        [`in base64, after ${before.length}`, Buffer.from(`${before}${secret}, and more`).toString('base64')] as const,
    ),
    ['in base64url', Buffer.from(`password:${secret}`).toString('base64url')],
    ['in UTF-16', Buffer.from(secret, 'utf16le')],
    ['decoded', Buffer.from(secret, 'base64url')],
  ]

  test.each(written)('finds a secret that was written down %s', (_how, text) => {
    const place = { name: 'a file', bytes: Buffer.concat([Buffer.alloc(5000, 7), Buffer.from(text as string)]) }
    expect(findSecrets(new Map([['token', secret]]), [place]).join()).toContain('token, ')
    expect(findSecrets(new Map([['token', secret.replace('Yd', 'dY')]]), [place])).toEqual([])
  })

  test.each(['a b&c="d"', 'ünïcödé pass phrase', 'back\\slash "quote"'])(
    'finds %j percent-encoded and in JSON',
    text => {
      for (const form of [encodeURIComponent(text), JSON.stringify({ text })]) {
        const found = findSecrets(new Map([['password', text]]), [{ name: 'a log', bytes: Buffer.from(form) }])
        expect(found.length).toBeGreaterThan(0)
      }
    },
  )

  test('finds what a real server really wrote, in the log of the database and after it was copied', async () => {
    const other = await givenInstallation(configuration)
    const server = await startServer(other)
    const planted = new Map([['planted', 'Planted-Where-It-Does-Not-Belong']])
    const json = { email: 'x@example.com', password: 'a horse that is not planted', name: planted.get('planted') }
    await call(`${other.issuer}/v1/users`, { json })
    const running = findSecrets(planted, filesIn(other.dataFolder, allowed))
    const { stderr } = await server.end('SIGTERM')
    const ended = findSecrets(planted, filesIn(other.dataFolder, allowed))
    other.remove()
    expect(running).toContain('planted, as it is, in countersign.sqlite-wal')
    expect(ended).toContain('planted, as it is, in countersign.sqlite')
    expect(stderr).not.toContain('Planted')
  })
})
