import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal } from '@countersign/protocol'
import { startCuttingProxy } from '@countersign/store-postgres/testing/cutting-proxy'
import { startValkey } from '@countersign/store-valkey/testing/valkey-server'
import { createVerifier, type Verifier } from '@countersign/verify'
import { type Login, makeLogins } from '../countersign/logins.ts'
import { type Countersign, prepareCountersign } from '../countersign/server.ts'
import { type Aim, atMost, figure, quantile } from '../harness/workload.ts'
import { api } from '../peers/oidc-provider/configuration.ts'
import { database, type Measured, type Scene } from './scene.ts'

/** How the second node hears of what the first has committed. */
interface Way {
  readonly name: string
  /** Settings of both nodes. */
  readonly settings: object
  /** Called when both nodes run and the verifier follows. */
  readonly cut?: () => Promise<void>
  /** What the 99th percentile may be. */
  readonly mostMs: number
}

interface Sample {
  readonly refusedMs: number
  readonly answeredMs: number
}

/** From the moment that a logout is sent to one node until the verifier that follows another refuses the login's access token. */
export async function acrossNodes(scene: Scene): Promise<Measured> {
  const valkey = await startValkey()
  const wire = await startCuttingProxy(scene.cluster.port)
  const urlOfWire = scene.cluster.url.replace(String(scene.cluster.port), new URL(wire.url).port)
  const ways: Way[] = [
    { name: 'LISTEN/NOTIFY', settings: {}, mostMs: 150 },
    { name: 'Valkey', settings: { database_listen: 'off', valkey: valkey.url }, mostMs: 150 },
    {
      name: 'both were cut',
      settings: { database_listen: urlOfWire, valkey: valkey.url },
      cut: async () => void (await Promise.all([wire.close(), valkey.kill()])),
      mostMs: 1_500,
    },
  ]
  const rows: string[][] = []
  const aims: Aim[] = []
  try {
    for (const [index, way] of ways.entries()) {
      const samples = await measure(scene, way, database(scene.cluster, `across_${index}`))
      const refused = samples.map(({ refusedMs }) => refusedMs)
      const answered = samples.map(({ answeredMs }) => answeredMs)
      const later = samples.map(({ refusedMs, answeredMs }) => refusedMs - answeredMs)
      const milliseconds = [answered, later, refused].flatMap(all => [quantile(all, 0.5), quantile(all, 0.99)])
      rows.push([way.name, figure(samples.length), ...milliseconds.map(value => figure(value, 1))])
      const what = `A revocation at one node is refused by who follows another, ${way.name}: p99`
      aims.push(atMost(what, way.mostMs, quantile(refused, 0.99), ' ms'))
      scene.settings.progress(`across nodes · ${way.name} · ${figure(quantile(refused, 0.99), 1)} ms at p99`)
    }
  } finally {
    await Promise.all([wire.close(), valkey.discard()])
  }
  const spans = ['answered', 'refused after the answer', 'refused']
  const columns = ['', 'revocations', ...spans.flatMap(span => [`${span}, p50 ms`, 'p99 ms'])]
  const notes = [
    'From sending POST /revoke to one node until a verifier that follows the other refuses the access token; a few at a time, at moments that have nothing to do with the looks of the nodes.',
  ]
  return { table: { title: 'A revocation across nodes', columns, rows, notes }, aims }
}

async function measure({ settings }: Scene, way: Way, databaseUrl: string): Promise<Sample[]> {
  const count = settings.short ? 40 : 400
  const common = { command: settings.command, rotatesAlways: false, database: databaseUrl, settings: way.settings }
  const folder = (name: string): string => mkdtempSync(join(settings.folder, name))
  const here = await prepareCountersign({ ...common, folder: folder('here-') })
  const there = await prepareCountersign({ ...common, folder: folder('there-'), beside: here })
  const servers = [await here.start(), await there.start()]
  const verifier = followerOf(here, there)
  try {
    const logins = await makeLogins(here, count)
    await verifier.ready()
    await way.cut?.()
    return await revokeAll(logins, { here, verifier, atOnce: way.cut === undefined ? 1 : 10 })
  } finally {
    verifier.close()
    for (const server of servers) await server.stop()
  }
}

/** At the second node's own address, whatever the metadata say. */
function followerOf(here: Countersign, there: Countersign): Verifier {
  return createVerifier({
    issuer: here.issuer,
    audience: api,
    revocations: { clientId: here.backEnd.id, clientSecret: here.backEnd.secret },
    fetch: (input, init) => fetch(String(input).replace(here.issuer, there.address), init),
  })
}

async function revokeAll(
  logins: readonly Login[],
  { here, verifier, atOnce }: { here: Countersign; verifier: Verifier; atOnce: number },
): Promise<Sample[]> {
  const samples: Sample[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < logins.length) {
      const login = logins[next++] as Login
      await pause(Math.random() * 50 * atOnce)
      samples.push(await revokeOne(here, verifier, login))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return samples
}

async function revokeOne(here: Countersign, verifier: Verifier, login: Login): Promise<Sample> {
  const isRefused = async (): Promise<boolean> => isRefusal(await verifier.verify(login.accessToken))
  if (await isRefused()) throw new Error('a token was refused before it was revoked')
  const began = performance.now()
  const body = new URLSearchParams({ client_id: here.clientId, token: login.refreshToken })
  const answered = fetch(`${here.address}/revoke`, { method: 'POST', body }).then(({ status }) => {
    if (status !== 200) throw new Error(`a revocation was answered ${status}`)
    return performance.now() - began
  })
  while (!(await isRefused())) await pause(1)
  return { refusedMs: performance.now() - began, answeredMs: await answered }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(done => setTimeout(done, milliseconds))
}
