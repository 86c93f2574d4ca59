import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { type ServerProcess, serverProcess } from '@countersign/store/testing/server-process'
import { Redis, type RedisOptions } from 'ioredis'
import { findValkey } from './find-valkey.ts'

/** A server of the test's own: in a temporary folder, on a free port of loopback, gone with the test's process. Nothing of it is kept. */
export interface ValkeyServer extends ServerProcess {
  readonly url: string
  readonly port: number
  /** FLUSHALL: as if it had never been told anything. */
  readonly flush: () => Promise<void>
  /** Ends all connections to it. */
  readonly cut: () => Promise<void>
  readonly discard: () => Promise<void>
}

export interface ValkeyServerOptions {
  readonly password?: string
  /** Over TLS alone: files with a certificate, and its key. */
  readonly certificate?: { readonly file: string; readonly keyFile: string }
  /** As it would stand in its file. */
  readonly settings?: readonly string[]
}

export async function startValkey(options: ValkeyServerOptions = {}): Promise<ValkeyServer> {
  const { password, certificate } = options
  const program = findValkey()
  if (program === undefined) throw new Error('Neither Valkey nor Redis is installed')
  const folder = mkdtempSync(join(tmpdir(), 'countersign-valkey-'))
  const port = await freePort()
  const scheme = certificate === undefined ? 'redis' : 'rediss'
  const url = `${scheme}://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`
  const parameters = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', ...(options.settings ?? [])]
  if (password !== undefined) parameters.push('--requirepass', password)
  if (certificate === undefined) parameters.push('--port', String(port))
  else {
    const { file, keyFile } = certificate
    parameters.push('--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no')
    parameters.push('--tls-cert-file', file, '--tls-key-file', keyFile, '--tls-ca-cert-file', file)
  }

  async function asked<T>(ask: (valkey: Redis) => Promise<T>): Promise<T> {
    // Whoever starts a server knows it.
    const own: Pick<RedisOptions, 'tls'> = certificate === undefined ? {} : { tls: { rejectUnauthorized: false } }
    const valkey = new Redis(url, { ...own, retryStrategy: () => null, maxRetriesPerRequest: 0 })
    valkey.on('error', () => {})
    try {
      return await ask(valkey)
    } finally {
      valkey.disconnect()
    }
  }

  const serves = (): Promise<boolean> =>
    asked(valkey => valkey.ping()).then(
      () => true,
      () => false,
    )
  const server = serverProcess({ program, parameters, folder, serves })
  await server.start()
  return {
    ...server,
    url,
    port,
    flush: async () => void (await asked(valkey => valkey.flushall())),
    async cut() {
      await asked(valkey => valkey.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
      await asked(valkey => valkey.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
    },
    async discard() {
      await server.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
