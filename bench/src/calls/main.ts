import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleCommand, prepareCountersign } from '../countersign/server.ts'
import { machineFacts } from '../harness/machine.ts'
import { runScript, startServer } from '../harness/processes.ts'
import { renderTable } from '../harness/report.ts'
import { count, orEnd, readValue } from '../harness/values.ts'
import { figure, interleave, median, type Settings } from '../harness/workload.ts'
import { type ApiTask, type CallerResult, type CallerTask, ways } from './task.ts'

/*
 * One back end calls another: sign every call, or cache a token? Server and API share one core, the caller has the other; what counts is processor time, in which waiting for
 * others does not stand.
 */

const { rounds, calls } = orEnd(() => {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '5' }, calls: { type: 'string', default: '4000' } },
  })
  return { rounds: readValue('rounds', values.rounds, count), calls: readValue('calls', values.calls, count) }
})
const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
const settings: Settings = {
  rounds,
  seconds: 0,
  connections: 1,
  short: false,
  folder,
  command: bundleCommand(folder),
  progress: text => console.error(text),
}
const audience = 'urn:notes'
const secretOf = (): string => randomBytes(32).toString('base64url')
const clients = { bearer: { id: 'caller', secret: secretOf() }, bound: { id: 'bound-caller', secret: secretOf() } }
const clientOf = (which: 'bearer' | 'bound', binding: string): object => ({
  id: clients[which].id,
  secrets: [clients[which].secret],
  grant_types: ['client_credentials'],
  scopes: ['notes'],
  audiences: [audience],
  access_token_binding: binding,
})
const privateJwk = (pair: { privateKey: KeyObject }): JsonWebKey => pair.privateKey.export({ format: 'jwk' })
const keys = {
  ES256: privateJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  RS256: privateJwk(generateKeyPairSync('rsa', { modulusLength: 2048 })),
}
const publicKeys = Object.entries(keys).map(([alg, jwk]) => ({
  ...createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'jwk' }),
  kid: alg,
  alg,
  use: 'sig',
}))
const caller = { issuer: 'https://caller.example', secret: secretOf() }

const system = await prepareCountersign({
  command: settings.command,
  folder,
  rotatesAlways: false,
  clients: [clientOf('bearer', 'bearer'), clientOf('bound', 'dpop')],
})
const server = await system.start()
const apiTask: ApiTask = { issuer: system.issuer, audience, caller: { ...caller, publicKeys } }
const api = await startServer<{ port: number }>('calls/api.ts', [JSON.stringify(apiTask)])
try {
  console.log(machineFacts().join('\n'), '\n')
  const common = {
    issuer: system.issuer,
    apiPort: api.ready.port,
    audience,
    clients,
    caller,
    keys,
    proofKey: keys.ES256,
    calls,
    pids: { api: api.pid, server: server.pid },
  }
  const measured = await interleave(
    ways.map(name => ({ name })),
    settings,
    ({ name: way }) => {
      const one: CallerTask = { ...common, way }
      return runScript<CallerResult>('calls/caller.ts', [JSON.stringify(one)], 'load')
    },
    ({ callerMicroseconds, apiMicroseconds }) => `${figure(callerMicroseconds)} and ${figure(apiMicroseconds)} µs`,
  )
  const of = (outcomes: readonly CallerResult[], key: keyof CallerResult): number =>
    median(outcomes.map(outcome => outcome[key])) ?? 0
  console.log(
    renderTable({
      title: 'A call between back ends, by what it brings along',
      columns: ['', 'caller, µs of core', 'API, µs of core', 'server, µs of core', 'all three', 'p50, ms', 'p99, ms'],
      rows: measured.map(({ subject, outcomes }) => {
        const used = (['callerMicroseconds', 'apiMicroseconds', 'serverMicroseconds'] as const).map(key =>
          of(outcomes, key),
        )
        const all = used.reduce((sum, one) => sum + one, 0)
        const times = (['p50', 'p99'] as const).map(key => figure(of(outcomes, key), 2))
        return [subject.name, ...[...used, all].map(one => figure(one)), ...times]
      }),
      notes: [`The median of ${settings.rounds} rounds of ${calls} calls, one after the other over one connection.`],
    }),
  )
} finally {
  await api.stop()
  await server.stop()
  rmSync(folder, { recursive: true })
}
