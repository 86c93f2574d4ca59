import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { type FileLine, fileLines, lineBytesAtMost } from './file-lines.ts'
import { importLines, type Progress } from './import-users.ts'
import { serve } from './serve.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-import-'))
afterAll(() => rmSync(folder, { recursive: true }))

const main = join(import.meta.dirname, 'main.ts')
const masterKey = Buffer.alloc(32, 7).toString('base64url')
const password = 'correct horse battery'
const hash = '$2b$05$J4u2RakZUhC8sj4LpvvVzuy38/68RtqBdqLdbp1.RCHUxvuxBOgFS'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function command(args: readonly string[], input = ''): Promise<Ended> {
  const node = ['--disable-warning=ExperimentalWarning', '--conditions=@countersign/source', main]
  const environment = { PATH: process.env.PATH, COUNTERSIGN_MASTER_KEY: masterKey }
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [...node, ...args, '--data', folder],
      { env: environment },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
    child.stdin?.end(input)
  })
}

const lines = (all: readonly unknown[]): string =>
  all.map(one => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')

test('users import makes users while the server stands and while it runs, says what it refused, and the next sign-in upgrades', async () => {
  const file = join(folder, 'users.ndjson')
  const users = [
    { email: 'maria@example.com', email_verified: true, password_hash: hash },
    { email: 'rosa@example.com', password_hash: 'md5' },
    '',
    'no JSON',
  ]
  writeFileSync(file, lines(users))
  // There must be a store: what runs or ran there made it.
  await command(['users', 'list'])
  const tried = await command(['users', 'import', file, '--dry-run'])
  expect(tried).toMatchObject({ code: 1, stderr: '\rline 4: 1 would be imported, 0 there already, 2 refused\n' })
  const first = await command(['users', 'import', file])
  expect(first.code).toBe(1)
  expect(
    first.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
  ).toEqual([
    { line: 2, reason: 'password_hash_unsupported' },
    { line: 4, reason: 'request_malformed', detail: 'The line is no JSON object.' },
  ])
  expect(first.stderr).toBe('\rline 4: 1 imported, 0 there already, 2 refused\n')
  expect(first.stdout + first.stderr).not.toContain(hash)

  const client = { id: 'app', first_party: true, direct_login: true, scopes: ['account'] }
  const environment = { COUNTERSIGN_CLIENTS: JSON.stringify([{ ...client, access_token_binding: 'bearer' }]) }
  const configuration = readConfiguration({ environment, flags: { port: '0', data: folder } })
  const log = { info() {}, warn() {}, error() {} }
  const node = await serve({ ...configuration, issuer: 'http://127.0.0.1:4400' }, { log, masterKey })
  try {
    const again = await command(['users', 'import', '-'], lines([users[0], { email: 'ines@example.com' }]))
    expect(again).toEqual({ code: 0, stdout: '', stderr: '\rline 2: 1 imported, 1 there already, 0 refused\n' })
    expect((await command(['users', 'imported'])).stdout).toBe('hash    users\nbcrypt  1\n')
    const answer = await fetch(`${node.address}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'maria@example.com', password, client_id: 'app' }),
    })
    expect(answer.status).toBe(201)
    expect((await node.store.loadUserByEmail('maria@example.com')).user?.passwordHash).toMatch(/^\$argon2id\$/)
    expect(await command(['users', 'imported'])).toEqual({ code: 0, stdout: '', stderr: 'There are none.\n' })
  } finally {
    await node.close()
  }
})

test('a file that is not there is told in a sentence', async () => {
  const { code, stderr } = await command(['users', 'import', join(folder, 'nowhere.ndjson')])
  expect(code).toBe(1)
  expect(stderr).toContain('nowhere.ndjson cannot be read: no such file.')
})

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function readAll(bytes: Buffer, size: number): Promise<FileLine[]> {
  const read: FileLine[] = []
  for await (const line of fileLines(inChunks(bytes, size))) read.push(line)
  return read
}

test.each([1, 3, 1_000_000])('lines are read whole, however they come (%d bytes at a time)', async size => {
  const long = 'x'.repeat(lineBytesAtMost)
  const bytes = Buffer.concat([
    Buffer.from('\ufeff{"ä": 1}\r\n\n'),
    Buffer.from([0xff, 0x0a]),
    Buffer.from(`${long}\n${long}x\nend`),
  ])
  expect(await readAll(bytes, size)).toEqual([
    { line: 1, text: '{"ä": 1}\r' },
    { line: 2, text: '' },
    { line: 3, text: undefined },
    { line: 4, text: long },
    { line: 5, text: undefined },
    { line: 6, text: 'end' },
  ])
})

test('of a file without end no more is held than a batch, and a line that never ends is not held at all', async () => {
  let produced = 0
  let waiting = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (; produced < 2_000; produced++) {
      await setImmediate()
      yield Buffer.from(produced < 1_000 ? `{"email": "u${produced}@example.com"}\n` : 'x'.repeat(65_536))
    }
  }
  const said: Progress[] = []
  const outcome = await importLines({
    chunks: endless(),
    async ask(_command, argument) {
      const { lines: sent } = JSON.parse(argument) as { lines: { line: number }[] }
      waiting = Math.max(waiting, produced - (sent.at(0)?.line ?? produced))
      return { failed: false, result: { imported: sent.length, there: 0, refused: [] } }
    },
    isDryRun: false,
    print: async () => {},
    progress: one => void said.push(one),
  })
  expect(outcome).toEqual({ line: 1_001, imported: 1_000, there: 0, refused: 1 })
  expect(waiting).toBeLessThanOrEqual(100)
  expect(said).toHaveLength(11)
})
