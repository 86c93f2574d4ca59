import { type Countersign, createCountersign } from '@countersign/app'
import { memoryStorage } from '@countersign/app/storage/memory'
import { CallFailure, createMachineTokens, createTrusted } from '@countersign/backend'
import { isRefusal } from '@countersign/protocol'
import { createVerifier, type Verifier } from '@countersign/verify'
import { expect } from 'vitest'
import { apiSecret, backendSecret, type Install, logIn, person, refresh } from './app-install.ts'
import { followFeed } from './feed-reader.ts'
import { type Answer, call } from './http-call.ts'
import { createProofKey } from './proof-key.ts'

/** A session that a back end has opened, as it was answered. */
export interface Opened {
  readonly sessionId: string
  readonly accessToken: string
  readonly refreshToken: string
}

/** People, apps, back ends and APIs who go on and on, whatever happens. */
export interface Load {
  /** Sessions that a back end has opened, and of these the ones that it has ended, as far as it was told so. */
  readonly opened: readonly Opened[]
  readonly ended: readonly Opened[]
  /** Everybody has had a good answer since the call. */
  allGoOn(): Promise<void>
  /** Somebody has been told to come again since the call. */
  isFelt(): Promise<void>
  /** Ends it, and holds everybody to what they were told. `mayLose`: what was acknowledged and may be forgotten by now. */
  settle(mayLose?: (sessionId: string) => boolean): Promise<void>
}

type Outcome = 'good' | 'away' | 'lost' | string

/** Does the same again and again. What is no answer, and no 503 that says when to come again, is wrong. */
function again(act: () => Promise<Outcome>) {
  const state = { stopped: false, good: 0, away: 0, lost: 0, wrong: [] as string[] }
  const going = (async () => {
    while (!state.stopped) {
      const outcome = await act().catch(error => `it threw ${error}`)
      if (outcome === 'good' || outcome === 'away' || outcome === 'lost') state[outcome]++
      else state.wrong.push(outcome)
    }
  })()
  const stop = (): Promise<void> => {
    state.stopped = true
    return going
  }
  return { state, stop }
}

function outcomeOf(answer: Answer | undefined): Outcome {
  if (answer === undefined) return 'lost'
  if (answer.status < 300) return 'good'
  if (answer.status === 503 && Number(answer.headers['retry-after']) > 0) return 'away'
  return `${answer.status} ${answer.text}`
}

/** A node that has started since asks for a nonce of its own time; a client does as it is told (RFC 9449 §8). */
async function refreshAsApp(issuer: string, install: Install): Promise<Answer | undefined> {
  for (let tries = 0; ; tries++) {
    const answer = await refresh(issuer, install, {}, patienceMs).catch(() => undefined)
    if (tries === 3 || answer?.headers['countersign-reason'] !== 'proof_nonce_required') return answer
  }
}

/** Nobody has to wait longer than this for an answer, good or bad. */
const patienceMs = 20_000

/** What SDKs send, by the same way as all else: so that a witness sees it. */
const observedFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init)
  const body = await request.text()
  const isForm = request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')
  const answer = await call(request.url, {
    method: request.method,
    headers: Object.fromEntries(request.headers),
    ...(isForm ? { form: Object.fromEntries(new URLSearchParams(body)) } : body !== '' && { body }),
  })
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string])
  return new Response([204, 304].includes(answer.status) ? null : answer.text, { status: answer.status, headers })
}

/**
 * Apps by hand, bound and not; apps with the SDK; a back end that opens sessions and ends every second one; an API at each of `nodes`
 * that follows its feed, and a reader of the feed who comes through `issuer`. `kills`: nodes die, so answers may be lost.
 */
export async function startLoad(
  issuer: string,
  nodes: readonly string[],
  { kills = false }: { kills?: boolean } = {},
): Promise<Load> {
  const installs = await Promise.all([undefined, undefined, createProofKey()].map(key => logIn(issuer, { key })))
  const apps = await Promise.all([signedInApp(issuer, true), signedInApp(issuer, false)])
  const { come, opened, stayed, gone } = createBackEnd(issuer)
  const verifiers = nodes.map(node => verifierAt(issuer, node))
  await Promise.all(verifiers.map(verifier => verifier.ready()))
  const api = { clientId: 'api', clientSecret: apiSecret }
  const reader = followFeed(issuer, api)
  const load = [
    ...installs.map(install => again(async () => outcomeOf(await refreshAsApp(issuer, install)))),
    ...apps.map(app => again(() => refreshBySdk(issuer, app))),
    again(come),
  ]

  return {
    opened,
    ended: gone,
    async allGoOn() {
      const before = load.map(({ state }) => state.good)
      await expect
        .poll(() => load.every(({ state }, index) => state.good > (before[index] ?? 0) + 2), { timeout: 60_000 })
        .toBe(true)
    },
    async isFelt() {
      const felt = (): number => load.reduce((sum, { state }) => sum + state.away + (kills ? state.lost : 0), 0)
      const before = felt()
      await expect.poll(felt, { timeout: 60_000 }).toBeGreaterThan(before)
    },
    async settle(mayLose: (sessionId: string) => boolean = () => false) {
      await Promise.all(load.map(one => one.stop()))
      expect(load.flatMap(({ state }) => state.wrong)).toEqual([])
      if (!kills) expect(load.map(({ state }) => state.lost)).toEqual(load.map(() => 0))
      for (const install of installs) expect((await refreshAsApp(issuer, install))?.status).toBe(200)
      for (const app of apps) {
        expect(await app.getToken()).toEqual(expect.any(String))
        app.close()
      }
      const kept = {
        stayed: stayed.filter(one => !mayLose(one.sessionId)),
        gone: gone.filter(one => !mayLose(one.sessionId)),
      }
      expect(Math.min(kept.stayed.length, kept.gone.length)).toBeGreaterThan(0)
      for (const one of kept.stayed) expect((await refresh(issuer, installOf(one)))?.status).toBe(200)
      for (const one of kept.gone) {
        expect((await refresh(issuer, installOf(one)))?.json.reason).toBe('session_ended')
        for (const verifier of verifiers) {
          await expect.poll(() => verdictOf(verifier, one), { timeout: 20_000 }).toBe('token_revoked')
        }
      }
      for (const one of kept.stayed) {
        for (const verifier of verifiers) expect(await verdictOf(verifier, one)).toBe('good')
      }
      for (const verifier of verifiers) verifier.close()
      // A gap is thrown by the reader itself.
      await reader.until(read => kept.gone.every(one => read.snapshots > 1 || read.ids.includes(one.sessionId)))
      await reader.stop()
    },
  }
}

async function signedInApp(issuer: string, dpop: boolean): Promise<Countersign> {
  const app = createCountersign({
    issuer,
    clientId: 'app',
    dpop,
    storage: memoryStorage(),
    fetch: observedFetch,
    wakeUps: () => () => {},
  })
  const { refused } = await app.signIn(person)
  if (refused) throw new Error('the app was not let in')
  return app
}

async function refreshBySdk(issuer: string, app: Countersign): Promise<Outcome> {
  // The SDK waits by itself when it is told to; whoever calls it asks for something else meanwhile.
  const keys = outcomeOf(await call(`${issuer}/jwks`, { patience: patienceMs }).catch(() => undefined))
  const { status } = await app.refresh()
  if (status === 'signedOut') return 'the SDK was signed out'
  return status === 'fresh' ? keys : 'away'
}

function createBackEnd(issuer: string) {
  const platform = { fetch: observedFetch }
  const tokens = createMachineTokens({ issuer, clientId: 'backend', clientSecret: backendSecret, platform })
  const trusted = createTrusted({ tokens, platform })
  const [opened, stayed, gone]: [Opened[], Opened[], Opened[]] = [[], [], []]
  let count = 0

  async function come(): Promise<Outcome> {
    try {
      const answer = await trusted.createSession({ clientId: 'app', user: { externalId: `passer-by ${count++}` } })
      if (isRefusal(answer)) return `refused: ${answer.reason}`
      const { access_token: accessToken, refresh_token: refreshToken = '', session_id: sessionId } = answer
      const session = { sessionId, accessToken, refreshToken }
      opened.push(session)
      if (count % 2 === 0) {
        stayed.push(session)
        return 'good'
      }
      const { sub } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as {
        sub: string
      }
      const ended = await trusted.endSession(sub, sessionId)
      if (ended !== 'ended') return `not ended: ${ended.reason}`
      gone.push(session)
      return 'good'
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error
      if (error.status === undefined) return 'lost'
      return error.status === 503 && error.retryAfterSeconds !== undefined ? 'away' : error.message
    }
  }
  return { come, opened, stayed, gone }
}

function verifierAt(issuer: string, node: string): Verifier {
  return createVerifier({
    issuer,
    audience: 'urn:notes',
    revocations: { clientId: 'api', clientSecret: apiSecret },
    fetch: (input, init) => fetch(String(input).replace(issuer, node), init),
  })
}

async function verdictOf(verifier: Verifier, { accessToken }: Opened): Promise<string> {
  const verdict = await verifier.verify(accessToken)
  return isRefusal(verdict) ? verdict.reason : 'good'
}

function installOf({ accessToken, refreshToken, sessionId }: Opened): Install {
  return { clientId: 'app', key: undefined, accessToken, refreshToken, sessionId }
}
