import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from './connect.ts'
import { openLane } from './lane.ts'
import { openValkeyRegister } from './open-valkey-register.ts'
import { parseValkeyRingUrl, type ValkeyAddress } from './ring-url.ts'
import { startValkey, type ValkeyServer } from './testing/valkey-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-tls-'))
const known = getCACertificates('default')
let server: ValkeyServer
beforeAll(async () => {
  openssl('req', '-x509', ...makeKey('authority'), '-subj', '/CN=authority', '-days', '2', '-out', 'authority.crt')
  for (const [name, address] of Object.entries({ server: '127.0.0.1', other: '127.0.0.2' })) {
    const signed = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-addext', `subjectAltName=IP:${address}`]
    openssl('req', '-x509', ...makeKey(name), '-subj', `/CN=${name}`, ...signed, '-days', '2', '-out', `${name}.crt`)
  }
  server = await startValkey({ password: 'a-password', certificate: certificateOf('server') })
})
afterAll(async () => {
  setDefaultCACertificates(known)
  await server.discard()
  rmSync(folder, { recursive: true })
})

function openssl(...parameters: readonly string[]): void {
  execFileSync('openssl', parameters, { cwd: folder, stdio: 'ignore' })
}

/** Quickly made, and good enough for two days. */
function makeKey(name: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`]
}

const certificateOf = (name: string) => ({ file: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) })

async function readAt({ url }: ValkeyServer, answerMilliseconds: number): Promise<unknown> {
  const register = openValkeyRegister({ ...(parseValkeyRingUrl(url) as ValkeyAddress), answerMilliseconds })
  return register.read().finally(register.close)
}

/** What stands in the way of a connection, however long the handshake takes. */
async function whyNot({ url }: ValkeyServer): Promise<string> {
  const connection = connect(url, { retryMilliseconds: 500, connectTimeout: 20_000 })
  const [error] = await once(connection, 'error')
  connection.disconnect()
  return error.code
}

test('by rediss:// the lane and the key ring reach a server whose authority is trusted, for the address that it has, and no other', async () => {
  expect(await whyNot(server)).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  await expect(readAt(server, 200)).rejects.toThrow('out of reach')
  // Given up in the middle of the handshake: the server sends an alert, and nobody is there to hear it.
  for (let times = 0; times < 10; times++)
    await openValkeyRegister(parseValkeyRingUrl(server.url) as ValkeyAddress).close()
  setDefaultCACertificates([...known, readFileSync(join(folder, 'authority.crt'), 'utf8')])
  expect(await readAt(server, 20_000)).toBeUndefined()
  const lane = openLane({ url: server.url, patienceMs: 20_000 })
  await expect.poll(() => lane.isThere(), { timeout: 20_000 }).toBe(true)
  expect(await lane.ask(valkey => valkey.set('a key', 'a value'))).toEqual({ answer: 'OK' })
  await lane.close()
  const other = await startValkey({ password: 'a-password', certificate: certificateOf('other') })
  expect(await whyNot(other)).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  await expect(readAt(other, 200)).rejects.toThrow('out of reach')
  await other.discard()
})
