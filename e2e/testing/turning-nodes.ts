import { randomBytes } from 'node:crypto'
import { migratePostgres } from '@countersign/store-postgres'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { type HoldingWire, startHoldingWire } from './holding-wire.ts'
import type { MovedClock } from './moved-clock.ts'
import { observeDatabase } from './observed-postgres.ts'
import { givenInstallation, type Installation, type Running, startServer } from './server-process.ts'

/** A node whose jobs run when a test says so. */
export interface TurningNode {
  readonly name: string
  readonly url: string
  /** Pending while it is dead. */
  isThere(): Promise<void>
  start(): Promise<void>
  /** Has it turn the keys, should it be time to. */
  turn(): void
  kill(): Promise<void>
  /** Stops it where it stands (SIGSTOP), and lets it go on. */
  pause(): void
  resume(): void
}

/** Two nodes with one issuer. One of them reaches its database, and the place of its keys, over wires on which a message can be held. */
export interface TurningNodes {
  readonly issuer: string
  readonly database: string
  readonly masterKey: Buffer
  readonly wired: TurningNode
  readonly other: TurningNode
  readonly toDatabase: HoldingWire
  readonly toPlace: HoldingWire | undefined
  close(): Promise<void>
}

export const turningClients = {
  api: { id: 'api', secret: 'secret-of-the-api-that-follows-the-feed-0001' },
  job: { id: 'job', secret: 'secret-of-the-job-that-mints-and-opens-0002' },
} as const

/** The shortest that can be configured. */
export const turnsEverySeconds = 864
/** Three turns and a little. */
const tokenSeconds = 2_700

const configuration = {
  signing_key_days: turnsEverySeconds / 86_400,
  database_connections: 3,
  // Nobody gives up what is held.
  database_patience_seconds: 60,
  drain_notice_seconds: 0,
  clients: [
    {
      id: 'app',
      first_party: true,
      scopes: ['openid', 'notes'],
      audiences: ['urn:notes'],
      access_token_binding: 'bearer',
      access_token_seconds: tokenSeconds,
    },
    { id: turningClients.api.id, secrets: [turningClients.api.secret], scopes: ['introspection', 'revocations'] },
    {
      id: turningClients.job.id,
      secrets: [turningClients.job.secret],
      grant_types: ['client_credentials'],
      scopes: ['sessions:manage', 'notes'],
      audiences: ['urn:notes'],
      access_token_seconds: tokenSeconds,
    },
  ],
}

/** `database`: a fresh one, on a server with this clock; `place`: where the ring is, if not in the store. None of them is started. */
export async function givenTurningNodes(options: {
  clock: MovedClock
  database: string
  place?: { readonly port: number; readonly urlAt: (port: number) => string } | undefined
}): Promise<TurningNodes> {
  const { clock, database, place } = options
  const masterKey = randomBytes(32)
  await migratePostgres({ url: database })
  await observeDatabase(database)
  const toDatabase = await startHoldingWire(Number(new URL(database).port))
  const toPlace = place && (await startHoldingWire(place.port))
  const issuer = 'http://127.0.0.1:4400'

  async function given(name: string, databasePort: number, placePort: number): Promise<[TurningNode, Installation]> {
    const address = new URL(database)
    address.port = String(databasePort)
    const installed = await givenInstallation({
      ...configuration,
      issuer,
      database: `${address}?application_name=${name}`,
      ...(place && { key_ring: place.urlAt(placePort) }),
    })
    const environment = { ...clock.environment, COUNTERSIGN_MASTER_KEY: masterKey.toString('base64url') }
    return [turningNode(name, installed, environment), installed]
  }
  const [wired, wiredOn] = await given('wired', toDatabase.port, toPlace?.port ?? 0)
  const [other, otherOn] = await given('other', Number(new URL(database).port), place?.port ?? 0)
  return {
    issuer,
    database,
    masterKey,
    wired,
    other,
    toDatabase,
    toPlace,
    async close() {
      for (const installed of [wiredOn, otherOn]) installed.remove()
      await Promise.all([...wiredOn.started, ...otherOn.started].map(({ ended }) => ended))
      await Promise.all([toDatabase.close(), toPlace?.close()])
    },
  }
}

function turningNode(
  name: string,
  installed: Installation,
  environment: Readonly<Record<string, string>>,
): TurningNode {
  let running: Running | undefined
  let there = Promise.withResolvers<void>()
  const signal = (what: NodeJS.Signals): void => void running?.child.kill(what)
  return {
    name,
    url: installed.issuer,
    isThere: () => there.promise,
    async start() {
      running = await startServer(installed, { environment, jobsBySignal: true })
      there.resolve()
    },
    turn: () => signal('SIGUSR2'),
    async kill() {
      there = Promise.withResolvers()
      await installed.started.at(-1)?.end('SIGKILL')
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  }
}

/** Every ring that was committed in the store, in order, as far as it is judged. */
export interface WrittenRing {
  readonly edition: number
  readonly signing: readonly { readonly kid: string; readonly state: string; readonly activatedAt: number | null }[]
}

export async function writtenRings(database: string): Promise<readonly WrittenRing[]> {
  const rows = await runSql(database, "SELECT body->>'body' FROM observed.row WHERE name = 'key_ring' ORDER BY number")
  const rings = rows.map(([body]) => JSON.parse(String(body)) as WrittenRing)
  return rings.filter(({ signing }) => signing.length > 0)
}
