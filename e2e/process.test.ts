import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { apiSecret, configuration, logIn, me, person, refresh, signUp } from './testing/app-install.ts'
import { basic, call, callUnlessKilled } from './testing/http-call.ts'
import { createProofKey } from './testing/proof-key.ts'
import { givenInstallation, type Installation, operate, run, startServer } from './testing/server-process.ts'
import { wholeAudit, withStore } from './testing/stored-state.ts'

const installations: Installation[] = []

async function givenFolder(more: Readonly<Record<string, unknown>> = {}): Promise<Installation> {
  const installed = await givenInstallation({ ...configuration, ...more })
  installations.push(installed)
  return installed
}

afterAll(() => {
  for (const installed of installations) installed.remove()
})

/** What a start says that does not come about: one sentence, no stack, exit code 1. */
async function refusalToStart(
  installed: Installation,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(['serve', '--config', installed.configuration], { environment }).ended
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const said = stderr.replace(/^\{.*\}\n/gm, '')
  expect(said).toMatch(/^countersign: /)
  expect(said).not.toMatch(/\n\s+at /)
  return said
}

describe.concurrent('a start that cannot come about says why, and ends with 1', () => {
  test('a second process on the same data folder', async () => {
    const installed = await givenFolder()
    const server = await startServer(installed)
    expect(await refusalToStart(installed, { COUNTERSIGN_PORT: '0' })).toContain(
      `${installed.dataFolder} is in use by another process`,
    )
    expect((await call(`${installed.issuer}/health`)).status).toBe(200)
    await server.end('SIGTERM')
  })

  test('the port is in use', async () => {
    const installed = await givenFolder()
    const other = createServer().listen(installed.port, '127.0.0.1')
    await once(other, 'listening')
    expect(await refusalToStart(installed)).toBe(
      `countersign: The port ${installed.port} is in use. Choose another, with --port or in the configuration.\n`,
    )
    other.close()
    const server = await startServer(installed)
    await server.end('SIGTERM')
  })

  test('the master key is another one', async () => {
    const installed = await givenFolder()
    await (await startServer(installed)).end('SIGTERM')
    const other = Buffer.alloc(32, 7).toString('base64url')
    const said = await refusalToStart(installed, { COUNTERSIGN_MASTER_KEY: other })
    expect(said).toBe(
      'countersign: The master key does not open the keys in this store: it belongs to another one. It was read from COUNTERSIGN_MASTER_KEY.\n',
    )
    const right = readFileSync(join(installed.dataFolder, 'master.key'), 'utf8').trim()
    const server = run(['serve', '--config', installed.configuration], {
      environment: { COUNTERSIGN_MASTER_KEY: right },
    })
    await server.said('is ready at')
    await server.end('SIGTERM')
  })

  test('master.key is lost: nothing is written, the sentence says what to do, and with the copy all is as it was', async () => {
    const installed = await givenFolder()
    const server = await startServer(installed)
    await signUp(installed.issuer)
    const install = await logIn(installed.issuer)
    await server.end('SIGTERM')
    const file = join(installed.dataFolder, 'master.key')
    const copy = readFileSync(file)
    rmSync(file)
    const sentence = `countersign: master.key is missing in ${installed.dataFolder}: put your copy back, or set COUNTERSIGN_MASTER_KEY.`
    expect(await refusalToStart(installed)).toContain(sentence)
    expect((await operate(installed, 'keys', 'list')).stderr).toContain(sentence)
    expect(readdirSync(installed.dataFolder)).not.toContain('master.key')
    writeFileSync(file, copy)
    const again = await startServer(installed)
    expect((await refresh(installed.issuer, install))?.status).toBe(200)
    await again.end('SIGTERM')
  })

  test('the command that prints the master key fails; once it works, all is as it was, and no key lies in the folder', async () => {
    const key = Buffer.alloc(32, 8).toString('base64')
    const script = 'process.env.KMS ? console.log(process.env.KMS) : process.exit(7)'
    const installed = await givenFolder({ master_key_command: [process.execPath, '-e', script] })
    expect(await refusalToStart(installed)).toBe('countersign: master_key_command ended with 7.\n')
    const server = await startServer(installed, { environment: { KMS: key } })
    await signUp(installed.issuer)
    const install = await logIn(installed.issuer)
    await server.end('SIGTERM')
    expect(readdirSync(installed.dataFolder)).not.toContain('master.key')
    const again = await startServer(installed, { environment: { KMS: key } })
    expect((await refresh(installed.issuer, install))?.status).toBe(200)
    await again.end('SIGTERM')
  })

  test.each([
    'short',
    `${'A'.repeat(42)}=`,
    Buffer.alloc(31, 1).toString('base64url'),
    Buffer.alloc(32, 1).toString('hex'),
  ])('the master key is malformed: %s', async key => {
    const said = await refusalToStart(await givenFolder(), { COUNTERSIGN_MASTER_KEY: key })
    expect(said).toBe('countersign: COUNTERSIGN_MASTER_KEY must hold 32 bytes in base64url (43 characters).\n')
  })

  test.each([
    ['a key that does not exist', { sing_up: 'open' }, 'Did you mean sign_up?'],
    ['a port that is none', { port: 99_999 }, 'port: '],
    ['an issuer with a path', { issuer: 'https://login.example.com/x' }, 'issuer: must be an origin, without a path'],
    ['a proxy by name', { trusted_proxies: ['proxy.example.com'] }, 'trusted_proxies.0: '],
    ['a short client secret', { clients: [{ id: 'api', secrets: ['short'] }] }, 'clients.api.secrets.0: '],
    [
      'a redirect by script',
      { clients: [{ id: 'app', redirect_uris: ['javascript:alert(1)'] }] },
      'clients.app.redirect_uris: holds a redirect URI that is not allowed',
    ],
    ['a data folder that cannot be made', { data: '/dev/null/data' }, '/dev/null/data'],
    ['a data folder below a file', { data: join(import.meta.filename, 'data') }, 'there is a file of that name'],
    ['an address that is not here', { host: '192.0.2.1', trusted_proxies: ['127.0.0.1'] }, '192.0.2.1'],
    [
      'a minimum life that lets the grace overlap',
      { unsafe_refresh_policy: false, clients: [{ id: 'app', minimum_life_seconds: 1 }] },
      'clients.app.minimum_life_seconds: must be at least twice grace_seconds',
    ],
    ['plain HTTP for the world', { issuer: 'http://login.example.com' }, 'issuer: must be an https: URL'],
    [
      'a socket for the world',
      { host: '0.0.0.0', issuer: 'https://login.example.com' },
      'Plain HTTP is refused off loopback',
    ],
  ])('%s', async (_what, wrong, message) => {
    const said = await refusalToStart(await givenFolder(wrong))
    expect(said).toContain(message)
    expect(said).not.toContain('short')
  })

  test.runIf(process.getuid?.() === 0)('a data folder that this user may not write', async () => {
    const installed = await givenFolder()
    chmodSync(installed.folder, 0o755)
    mkdirSync(installed.dataFolder, { mode: 0o755 })
    const launcher = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const { code, stderr } = await run(['serve', '--config', installed.configuration], { launcher }).ended
    const sentence = `${installed.dataFolder} cannot be the data folder: this user may not write there. Give another with --data.`
    expect([code, stderr]).toEqual([1, `countersign: ${sentence}\n`])
  })

  test.each([
    ['{"port": 4400', 'is not valid JSON (line 1 column 14: it ends too early)'],
    ['[]', 'does not hold a JSON object'],
  ])('a file that holds %s', async (text, message) => {
    const installed = await givenFolder()
    writeFileSync(installed.configuration, text)
    expect(await refusalToStart(installed)).toBe(`countersign: ${installed.configuration} ${message}.\n`)
  })

  test('a file that is not there', async () => {
    const installed = await givenFolder()
    const missing = { ...installed, configuration: join(installed.folder, 'missing.json') }
    expect(await refusalToStart(missing)).toBe(`countersign: ${missing.configuration} cannot be read: no such file.\n`)
  })
})

test('every command explains itself, and what is no command is refused', async () => {
  const [serve, users, keys, audit] = [['serve'], ['users'], ['keys'], ['audit']]
  const commands = [
    [],
    serve,
    users,
    ...['disable', 'enable', 'delete'].map(name => [...users, name]),
    keys,
    ...['list', 'rotate', 'retire'].map(name => [...keys, name]),
    audit,
    [...audit, 'export'],
  ]
  for (const command of commands) {
    const { code, stdout, stderr } = await run([...command, '--help']).ended
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Usage: ${['countersign', ...command].join(' ')}\\b`))
  }
  const { code, stderr } = await run(['sevre']).ended
  expect([code, stderr]).toEqual([1, expect.stringContaining('sevre')])
})

test('the data folder is for its owner alone, and so is everything in it', async () => {
  const installed = await givenFolder()
  const server = await startServer(installed)
  await signUp(installed.issuer)
  const modes = readdirSync(installed.dataFolder).map(name => [
    name,
    statSync(join(installed.dataFolder, name)).mode & 0o777,
  ])
  await server.end('SIGTERM')
  expect(statSync(installed.dataFolder).mode & 0o777).toBe(0o700)
  expect(Object.fromEntries(modes)).toEqual({
    'admin.sock': 0o600,
    'countersign.sqlite': 0o600,
    'countersign.sqlite-lock': 0o600,
    'countersign.sqlite-shm': 0o600,
    'countersign.sqlite-wal': 0o600,
    'master.key': 0o600,
  })
})

/** A request of which only the head and half of the body have arrived. */
async function halfSent(installed: Installation): Promise<{ finish(): Promise<IncomingMessage> }> {
  const text = JSON.stringify({ ...person, client_id: 'app' })
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
  const outgoing: ClientRequest = request(`${installed.issuer}/v1/sessions`, { method: 'POST', agent: false, headers })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  // Some of these connections are broken off, on purpose.
  answered.catch(() => {})
  await new Promise<void>(sent => outgoing.write(text.slice(0, 10), () => sent()))
  return {
    async finish() {
      outgoing.end(text.slice(10))
      const [answer] = await answered
      answer.resume()
      return answer
    },
  }
}

async function followFeed(installed: Installation): Promise<{ ended: Promise<unknown> }> {
  const headers = { ...basic('api', apiSecret), accept: 'text/event-stream' }
  const [answer] = (await once(
    request(`${installed.issuer}/revocations`, { agent: false, headers }).end(),
    'response',
  )) as [IncomingMessage]
  const ended = once(answer, 'close')
  answer.on('error', () => {})
  await once(answer, 'data')
  return { ended }
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s drains: what was begun is answered, followers hold up nothing, and the next start goes on',
  async signal => {
    const installed = await givenFolder()
    const server = await startServer(installed)
    await signUp(installed.issuer)
    const installs = [await logIn(installed.issuer), await logIn(installed.issuer, { key: createProofKey() })]
    const keys = (await call(`${installed.issuer}/jwks`)).text
    const followers = await Promise.all([followFeed(installed), followFeed(installed)])
    const begun = await halfSent(installed)
    server.child.kill(signal)
    await server.said('answering what was begun')
    await Promise.all(followers.map(({ ended }) => ended))
    const answer = await begun.finish()
    expect([answer.statusCode, answer.headers.connection]).toEqual([201, 'close'])
    const { code, stderr } = await server.ended
    expect({ code, stderr: stderr.split('\n').filter(line => line.includes('error')) }).toEqual({ code: 0, stderr: [] })
    expect(readdirSync(installed.dataFolder).sort()).toEqual([
      'countersign.sqlite',
      'countersign.sqlite-lock',
      'master.key',
    ])

    const next = await startServer(installed)
    for (const install of installs) {
      expect((await me(installed.issuer, install)).status).toBe(200)
      expect((await refresh(installed.issuer, install))?.status).toBe(200)
    }
    expect((await call(`${installed.issuer}/jwks`)).text).toBe(keys)
    await next.end(signal)
    await withStore(installed.dataFolder, async store => {
      const logins = (await wholeAudit(store)).filter(({ record }) => record.event === 'session.created')
      expect(logins.length).toBe(installs.length + 1)
    })
  },
)

test('who has begun a request and never sends the rest does not hold up the end', async () => {
  const installed = await givenFolder({ drain_seconds: 0 })
  const server = await startServer(installed)
  await halfSent(installed)
  expect((await server.end('SIGTERM')).code).toBe(0)
})

test('^C once more ends at once, and the next command finds everything in order', async () => {
  const installed = await givenFolder({ drain_seconds: 600 })
  const server = await startServer(installed)
  await halfSent(installed)
  server.child.kill('SIGINT')
  await server.said('answering what was begun')
  // One press can arrive twice, so it is pressed until it is believed.
  while (server.child.exitCode === null) {
    server.child.kill('SIGINT')
    await callUnlessKilled(`${installed.issuer}/health`)
  }
  expect((await server.ended).code).toBe(130)
  const { code, stdout } = await operate(installed, 'keys', 'list')
  expect([code, stdout]).toEqual([0, expect.stringContaining('signing')])
})

test('SIGTERM gives notice first: not ready, and everything answered; ^C gives none', async () => {
  const installed = await givenFolder({ drain_notice_seconds: 600 })
  const ready = async (): Promise<number> => (await call(`${installed.issuer}/ready`)).status
  const server = await startServer(installed)
  await signUp(installed.issuer)
  expect(await ready()).toBe(200)
  server.child.kill('SIGTERM')
  await expect.poll(ready).toBe(503)
  const install = await logIn(installed.issuer)
  expect((await refresh(installed.issuer, install))?.status).toBe(200)
  await server.end('SIGKILL')
  const again = await startServer(installed)
  expect((await again.end('SIGINT')).code).toBe(0)
})
