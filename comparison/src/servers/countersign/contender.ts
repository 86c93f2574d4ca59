import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { openSqliteStore } from '@countersign/store-sqlite'
import { send } from '../../workload/post.ts'
import { createProofKey } from '../../workload/proof-key.ts'
import type { Contender, Login, RunningServer } from '../contender.ts'
import { type ServerProcess, startProcess, startsAt } from '../server-process.ts'
import { backEndSecret, configuration, password } from './configuration.ts'

const command = join(import.meta.dirname, '../../../../packages/cli/src/main.ts')

/** A server of ours, as `countersign serve` starts it. */
export function countersign(binding: 'bound' | 'unbound'): Contender {
  return {
    name: `Countersign, ${binding}`,
    bound: binding === 'bound',
    async start(folder) {
      mkdirSync(folder, { recursive: true })
      const [port, file] = [await freePort(), join(folder, 'countersign.json')]
      writeFileSync(file, JSON.stringify({ ...configuration, port, data: join(folder, 'data') }))
      const server = await startProcess(command, ['serve', '--config', file])
      return running(server, `http://127.0.0.1:${port}`, { folder, bound: binding === 'bound' })
    },
  }
}

function running(
  server: ServerProcess,
  issuer: string,
  { folder, bound }: { folder: string; bound: boolean },
): RunningServer {
  let now = startsAt
  return {
    tokenEndpoint: `${issuer}/token`,
    async logIn(count) {
      const made: Login[] = []
      const authorization = `Basic ${Buffer.from(`back-end:${backEndSecret}`).toString('base64')}`
      for (let index = 0; index < count; index++) {
        const ip = `10.1.${index >> 8}.${index & 255}`
        made.push(
          bound
            ? await logInWithPassword(issuer, { index, ip, now })
            : await openTrusted(issuer, { authorization, index, ip }),
        )
      }
      return made
    },
    async advance(milliseconds) {
      now += milliseconds
      await server.advance(milliseconds)
      // A node that has not read its keys for a minute does not sign. In life it reads them every ten seconds.
      for (let status = 503; status === 503; ) ({ status } = await send(`${issuer}/jwks`, {}))
    },
    async stop() {
      await server.stop()
      return suspicions(join(folder, 'data', 'countersign.sqlite'))
    },
  }
}

async function openTrusted(
  issuer: string,
  { authorization, index, ip }: { authorization: string; index: number; ip: string },
): Promise<Login> {
  const answer = await send(`${issuer}/v1/trusted/sessions`, {
    headers: { authorization, 'x-forwarded-for': ip },
    json: { client_id: 'app', user: { external_id: `person-${index}` } },
  })
  return loginOf(answer, { ip, clientId: 'app', key: undefined })
}

async function logInWithPassword(
  issuer: string,
  { index, ip, now }: { index: number; ip: string; now: number },
): Promise<Login> {
  const email = `person-${index}@example.org`
  const headers = { 'x-forwarded-for': ip }
  const signedUp = await send(`${issuer}/v1/users`, { headers, json: { email, password } })
  if (signedUp.status !== 201) throw new Error(`no account: ${signedUp.text}`)
  const key = createProofKey()
  const url = `${issuer}/v1/sessions`
  let nonce: string | undefined
  for (;;) {
    const dpop = key.proof({ url, now, nonce })
    const answer = await send(url, { headers: { ...headers, dpop }, json: { email, password, client_id: 'app' } })
    if (nonce !== undefined || answer.status === 201) return loginOf(answer, { ip, clientId: 'app', key })
    nonce = String(answer.headers['dpop-nonce'])
  }
}

function loginOf(
  answer: { readonly status: number; readonly text: string },
  known: Omit<Login, 'id' | 'refreshToken'>,
): Login {
  if (answer.status !== 201) throw new Error(`a login was answered ${answer.status}: ${answer.text}`)
  const { session_id: id, refresh_token: refreshToken } = JSON.parse(answer.text) as Record<string, string>
  return { ...known, id: id ?? '', refreshToken: refreshToken ?? '' }
}

/** What the audit log says of tokens in wrong hands: session ids. */
async function suspicions(file: string): Promise<Set<string>> {
  const store = await openSqliteStore({
    file,
    clock: Date.now,
    seed: { incarnation: 'unused' },
    sealPersonal: () => null,
  })
  const found = new Set<string>()
  for (let after = 0; ; ) {
    const rows = await store.readAudit(after, 500)
    for (const { record } of rows) {
      const isSign = /^refresh\.(reused|credit_spent|replay_flagged|leaked)$/.test(record.event)
      if (isSign && record.sessionId !== undefined) found.add(record.sessionId)
    }
    if (rows.length === 0) break
    after += rows.length
  }
  await store.close()
  return found
}
