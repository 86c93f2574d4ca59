import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { createSqliteSessions } from '@countersign/backend/web'
import {
  type Configuration,
  endOnLoss,
  openDataFolder,
  readMasterKey,
  type System,
  serve,
  WrongConfiguration,
} from '@countersign/cli'
import type { Log } from '@countersign/server'
import { type Api, createApi } from './api.ts'
import { createAppServer } from './app-server.ts'
import { createUserOnce } from './create-user.ts'
import { apiAudience, demoClients, demoRegistration, scopeDescriptions } from './demo-clients.ts'
import { type DemoSecrets, demoSecrets } from './demo-secrets.ts'
import { type ExampleId, prepareExampleId } from './example-id.ts'
import { createLaboratory } from './laboratory.ts'
import { openNotes } from './notes-store.ts'
import { createOutbox } from './outbox.ts'
import { freePort, type ReservedPort, reservePort } from './reserved-port.ts'
import { createWebApp } from './web-app/server.ts'

/** Everything runs, and answers at these addresses. */
export interface Demo {
  readonly issuer: string
  /** Where the server of this demo answers: the issuer, unless that is another demo's address, or a load balancer's. */
  readonly address: string
  readonly apiUrl: string
  readonly appUrl: string
  /** The web app, whose back end holds the tokens. */
  readonly webUrl: string
  /** What the server has sent by mail; absent if the configuration names a mail server. */
  readonly outboxUrl: string | undefined
  readonly login: DemoSecrets['login']
  /** The other server, whose accounts can be used here; absent on a database, which others may share. */
  readonly exampleId: Pick<ExampleId, 'issuer' | 'login'> | undefined
  readonly dataFolder: string
  /** Whether only what is this demo's own is there, and the rest in a database. */
  readonly isOnDatabase: boolean
  /** Clients that a start before has declared, and this one has not. */
  readonly switchedOff: readonly string[]
  /** Answers what was begun, then ends; `announced`: after its notice. */
  close: System['close']
}

/** Server, API and app in one process: the server on its port, the others on the next that are free; and another server, whose accounts can be used here. */
export async function startDemo(
  configuration: Configuration,
  environment: Readonly<Record<string, string | undefined>>,
  { issuerIsOfFile = false }: { issuerIsOfFile?: boolean } = {},
): Promise<Demo> {
  const port = await freePort(configuration.port)
  if (port === undefined) throw portIsTaken(configuration.port)
  if (issuerIsOfFile) refuseForeignIssuer(configuration.issuer, port)
  const dataFolder = openDataFolder(configuration.data)
  const master = readMasterKey(dataFolder, {
    environment: environment.COUNTERSIGN_MASTER_KEY,
    command: configuration.master_key_command,
  })
  const { login, apiSecret, web } = demoSecrets(master.key, environment.COUNTERSIGN_DEMO_API_SECRET)

  const apiPort = await reservePort(port + 1)
  const appPort = await reservePort(apiPort.port + 1)
  const webPort = await reservePort(appPort.port + 1)
  const addresses = { apiUrl: apiPort.url, appUrl: appPort.url, webUrl: webPort.url }
  // Demos on one database are one system, and each declares the same. A loopback address without a port is that of any port (RFC 8252 §7.3).
  const isAlone = configuration.database === undefined
  const origins = isAlone
    ? { appOrigin: appPort.url, webOrigin: webPort.url, tellsWebApp: true }
    : { appOrigin: 'http://127.0.0.1', webOrigin: 'http://127.0.0.1', tellsWebApp: false }
  const besides = { port, firstPort: webPort.port + 1, dataFolder, master: master.key, login }
  const outbox = configuration.smtp_url === undefined ? createOutbox(Date.now) : undefined
  const exampleId = isAlone ? await prepareExampleId(configuration, besides) : undefined
  const system = await serve(
    {
      ...configuration,
      port,
      sign_up: 'open',
      application_name: 'Countersign demo',
      scope_descriptions: { ...scopeDescriptions, ...configuration.scope_descriptions },
      registration: demoRegistration(configuration.registration),
    },
    {
      masterKey: master,
      moreClients: demoClients({ ...origins, apiSecret, webSecret: web.clientSecret }),
      ...(outbox && { mail: outbox.transport }),
      ...(exampleId && { moreConnections: [exampleId.connection] }),
      log,
      onLost: endOnLoss,
    },
  )
  const { issuer, server } = system
  await createUserOnce(system, { ...login, name: 'Demo' })
  const closeExampleId = await exampleId?.start(log)

  const notes = openNotes(join(dataFolder, 'demo-notes.sqlite'))
  const caller = { clientId: 'demo-api', clientSecret: apiSecret }
  const api = createApi({ issuer, audience: apiAudience, ...caller, appOrigin: appPort.url, notes })
  apiPort.answerWith(api.app)
  const laboratory = createLaboratory({ issuer, ...caller, server })
  appPort.answerWith(createAppServer({ issuer, ...addresses, laboratory, outbox }))
  const closeWebApp = answerAsWebApp(webPort, { issuer, ...web, apiUrl: apiPort.url, dataFolder, isAlone })
  await untilReady(api, issuer)

  return {
    issuer,
    address: system.address,
    ...addresses,
    outboxUrl: outbox && `${appPort.url}/outbox`,
    login,
    exampleId,
    dataFolder,
    isOnDatabase: !isAlone,
    switchedOff: server.switchedOff,
    async close(how) {
      await system.close(how)
      await Promise.all([appPort.close(), webPort.close(), apiPort.close(), closeExampleId?.()])
      closeWebApp()
      api.close()
      notes.close()
    },
  }
}

/** Its logins are in a file beside the notes. Returns how to let go of it. */
function answerAsWebApp(
  port: ReservedPort,
  more: DemoSecrets['web'] & { issuer: string; apiUrl: string; dataFolder: string; isAlone: boolean },
): () => void {
  const { dataFolder, isAlone, ...options } = more
  // The address that a sign-out comes back to is registered to the letter, with its port.
  const logout = isAlone ? 'issuer' : 'app'
  const logins = new DatabaseSync(join(dataFolder, 'demo-web-logins.sqlite'), { timeout: 5_000 })
  const sessions = createSqliteSessions(logins)
  port.answerWith(createWebApp({ ...options, clientId: 'demo-web', appUrl: port.url, sessions, logout }))
  return () => logins.close()
}

/**
 * Waits until the API can judge tokens. The issuer may be another process that is starting too: after a second that is said.
 * Nor is it waited for without end: it may be a load balancer that nobody has started yet.
 */
async function untilReady(api: Api, issuer: string): Promise<void> {
  const isReady = api.ready().then(() => true)
  if (await Promise.race([isReady, delay(1_000, false, { ref: false })])) return
  console.error(`Waiting for ${issuer} to answer: until then the API cannot check a token.`)
  if (await Promise.race([isReady, delay(29_000, false, { ref: false })])) return
  console.error(`Warning: ${issuer} does not answer. The API asks it again, and answers 503 until then.`)
}

/** The terminal belongs to the greeting: only what is wrong is said. */
const log: Log = {
  info() {},
  warn: (facts, text) => console.error(`Warning: ${text}${told(facts)}`),
  error: (facts, text) => console.error(`Error: ${text}${told(facts)}`),
}

function told(facts: Readonly<Record<string, unknown>>): string {
  return Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts)}`
}

function portIsTaken(port: number): WrongConfiguration {
  const other = port > 65_000 ? port - 100 : port + 100
  return new WrongConfiguration(
    `Port ${port} is in use by another program.\nChoose another one: npm start -- --port ${other}   (or COUNTERSIGN_PORT=${other} npm start)`,
  )
}

/** A file for another server lies here. Who names an address for the demo itself, by flag or environment, has it led here. */
function refuseForeignIssuer(issuer: string | undefined, port: number): void {
  const own = [`http://127.0.0.1:${port}`, `http://localhost:${port}`]
  if (issuer === undefined || own.includes(issuer)) return
  throw new WrongConfiguration(
    `The configuration file names the issuer ${issuer}; the demo answers at ${own[0]}.\nTake that line out of it, or start it with: npm start -- --issuer ${own[0]}`,
  )
}
