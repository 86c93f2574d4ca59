import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfiguration, serve } from '@countersign/cli'
import { freePort } from '@countersign/store/testing/free-port'

export const apiSecret = 'a-secret-of-the-notes-api-that-is-long-enough'
export const reportsSecret = 'a-secret-of-the-reports-job-that-is-long-enough'

export interface GivenServer {
  readonly issuer: string
  /** As `users import` does. */
  importUsers(users: readonly object[]): Promise<object>
  userIdOf(email: string): Promise<string | undefined>
  close(): Promise<void>
}

/** A real server on a folder of its own, with the clients that the documentation speaks of. */
export async function givenServer(): Promise<GivenServer> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  const file = join(folder, 'countersign.json')
  const scopes = ['account', 'notes:read', 'openid']
  const clients = [
    { id: 'notes-app', first_party: true, direct_login: true, scopes, audiences: ['urn:notes'] },
    { id: 'notes-api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] },
    {
      id: 'reports',
      secrets: [reportsSecret],
      grant_types: ['client_credentials'],
      scopes: ['notes:read', 'sessions:manage'],
      audiences: ['urn:notes'],
    },
  ]
  writeFileSync(file, JSON.stringify({ port: await freePort(), data: join(folder, 'data'), sign_up: 'open', clients }))
  const system = await serve(readConfiguration({ file, environment: {}, flags: {} }))
  return {
    issuer: system.issuer,
    importUsers: users =>
      system.server.admin.importUsers(users.map((user, place) => ({ line: place + 1, text: JSON.stringify(user) }))),
    userIdOf: async email => (await system.store.loadUserByEmail(email)).user?.id,
    async close() {
      await system.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Runs one of the files as the program that it is, until it says that it is ready. */
export async function givenApi(file: string, issuer: string): Promise<{ url: string; end(): Promise<void> }> {
  const port = await freePort()
  const path = join(import.meta.dirname, '../run.ts')
  const child: ChildProcess = spawn(process.execPath, ['--conditions=@countersign/source', path, file], {
    env: {
      ...process.env,
      ISSUER: issuer,
      API_SECRET: apiSecret,
      API_URL: `http://127.0.0.1:${port}`,
      APP_ORIGIN: 'https://app.example.com',
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), ended])
  if (child.exitCode !== null) throw new Error(`${file} ended at once`)
  return {
    url: `http://127.0.0.1:${port}/notes`,
    async end() {
      child.kill()
      await ended
    },
  }
}

export async function post(url: string, body: object): Promise<{ status: number; body: Record<string, string> }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}
