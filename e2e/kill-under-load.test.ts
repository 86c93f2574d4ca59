import { afterAll, expect, test } from 'vitest'
import {
  apiSecret,
  backendSecret,
  configuration,
  graceSeconds,
  type Install,
  keep,
  logIn,
  person,
  refresh,
  revoke,
  signUp,
} from './testing/app-install.ts'
import { basic, callUnlessKilled } from './testing/http-call.ts'
import { feedEntries } from './testing/killed-at-every-step.ts'
import { createProofKey } from './testing/proof-key.ts'
import { givenInstallation, type Installation, startServer } from './testing/server-process.ts'
import { wholeAudit, withStore } from './testing/stored-state.ts'
import { createWitness } from './testing/witness.ts'

let installed: Installation
/** Resolved while the server is there: nobody hammers at a closed door. */
let thereAgain: Promise<unknown> = Promise.resolve()
afterAll(() => installed.remove())

const chains = 100
const boundChains = 20
const kills = 5
const refreshesBetweenKills = 150

/** Refreshes again and again, with the token that it was last answered, as an app does while its server comes and goes. */
async function refreshUntil(stop: () => boolean, install: Install, succeeded: () => void): Promise<string[]> {
  const refusals: string[] = []
  while (!stop()) {
    await thereAgain
    const answer = await refresh(installed.issuer, install).catch(() => undefined)
    if (answer?.status === 200) succeeded()
    else if (answer !== undefined && answer.status !== 503) refusals.push(answer.text)
  }
  return refusals
}

async function openTrusted(externalId: string): Promise<Install | undefined> {
  const answer = await callUnlessKilled(`${installed.issuer}/v1/trusted/sessions`, {
    headers: basic('backend', backendSecret),
    json: { client_id: 'app', user: { external_id: externalId } },
  })
  if (answer?.status !== 201) return undefined
  const install = { clientId: 'app', key: undefined, accessToken: '', refreshToken: '', sessionId: '' }
  keep(install, answer)
  return install
}

/** Signs people in and every second one out again, and remembers what was answered. */
async function comeAndGo(stop: () => boolean): Promise<{ stayed: Install[]; gone: Install[] }> {
  const acknowledged = { stayed: [] as Install[], gone: [] as Install[] }
  for (let number = 0; !stop(); number++) {
    await thereAgain
    const install = await openTrusted(`passer-by-${number}`)
    if (install === undefined) continue
    if (number % 2 === 0) acknowledged.stayed.push(install)
    else if ((await revoke(installed.issuer, install))?.status === 200) acknowledged.gone.push(install)
  }
  return acknowledged
}

test('100 apps refresh while the server is killed five times: nobody is logged out, nothing acknowledged is lost', async () => {
  installed = await givenInstallation(configuration)
  const witness = createWitness()
  let server = await startServer(installed, { observed: true })
  await signUp(installed.issuer)
  const installs: Install[] = []
  for (let number = 0; number < chains - boundChains; number++) {
    installs.push((await openTrusted(`person-${number}`)) as Install)
  }
  for (let number = 0; number < boundChains; number++) {
    installs.push(await logIn(installed.issuer, { key: createProofKey() }))
  }

  let [stopped, refreshes, wanted] = [false, 0, refreshesBetweenKills]
  let enough = (): void => {}
  const running = installs.map(install =>
    refreshUntil(
      () => stopped,
      install,
      () => {
        refreshes += 1
        if (refreshes >= wanted) enough()
      },
    ),
  )
  const passing = comeAndGo(() => stopped)
  for (let kill = 0; kill < kills; kill++) {
    await new Promise<void>(resolve => {
      enough = resolve
    })
    const killed = server.end('SIGKILL')
    const starting = killed.then(() => startServer(installed, { observed: true }))
    thereAgain = starting
    server = await starting
    wanted = refreshes + refreshesBetweenKills
  }
  stopped = true
  expect((await Promise.all(running)).flat()).toEqual([])
  const { stayed, gone } = await passing

  for (const install of [...installs, ...stayed]) expect((await refresh(installed.issuer, install))?.status).toBe(200)
  for (const install of gone) expect((await refresh(installed.issuer, install))?.json.reason).toBe('session_ended')
  const named = new Set((await feedEntries(installed.issuer, basic('api', apiSecret))).map(({ id }) => id))
  expect(gone.filter(install => !named.has(install.sessionId))).toEqual([])

  await server.end('SIGTERM')
  expect(await witness.violations(installed.dataFolder, graceSeconds)).toEqual([])
  expect(witness.seen()).toBeGreaterThan(kills * refreshesBetweenKills)
  await withStore(installed.dataFolder, async store => {
    const events = (await wholeAudit(store)).map(({ record }) => record)
    const endedIds = events.filter(({ event }) => event === 'session.ended').map(({ sessionId }) => sessionId)
    expect(new Set(endedIds).size).toBe(endedIds.length)
    expect(gone.filter(install => !endedIds.includes(install.sessionId))).toEqual([])
    expect(events.filter(({ event }) => event === 'refresh.reused')).toEqual([])
    const { user } = await store.loadUserByEmail(person.email)
    expect((await store.listSessions(user?.id ?? '')).length).toBe(boundChains)
  })
})
