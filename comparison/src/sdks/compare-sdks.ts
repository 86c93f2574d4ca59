import { join } from 'node:path'
import { bundleForBrowser } from '@countersign/app/testing/bundle'
import { type Browser, chromium, type Page } from 'playwright-core'
import { findChromium } from '../../../tools/chromium-path.ts'
import type { SdkInPage } from './in-page/sdk-in-page.ts'
import { type ServerRule, type StrictServer, serverRules, startStrictServer } from './strict-server.ts'

/** What one SDK did in so many expiries of its access token. */
export interface SdkRow {
  readonly sdk: string
  readonly server: ServerRule
  readonly tabs: number
  readonly lossy: boolean
  readonly expiries: number
  readonly posts: number
  readonly rotations: number
  readonly reuses: number
  /** Tabs that could not call the API any more. */
  readonly logouts: number
}

export const sdkNames = [
  '@countersign/app, bound',
  '@countersign/app, unbound',
  'oidc-client-ts',
  '@supabase/auth-js',
  'axios-auth-refresh',
] as const

export interface SdkScenario {
  readonly sdk: (typeof sdkNames)[number]
  readonly server: ServerRule
  readonly tabs: number
  readonly lossy: boolean
}

/** In the page. */
declare global {
  var comparison: { readonly sdks: Readonly<Record<string, () => SdkInPage>> }
  var sdk: SdkInPage
}

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
const lifetime = 900_000
const callsAtOnce = 20
/** Milliseconds until a call that has not come back counts as failed. */
const patience = 20_000
/** Milliseconds in which what goes by a timer comes by: oidc-client-ts looks at the clock every five seconds. */
const settling = 6_000

const troubles = [
  [1, false],
  [1, true],
  [4, false],
  [4, true],
] as const

/** So many lines of the table are under way at once: most of the time is waiting. */
const linesAtOnce = 4

/** Every SDK with every kind of trouble. */
export async function compareSdks(expiries: number, say: (line: string) => void): Promise<SdkRow[]> {
  const scenarios = (Object.keys(serverRules) as ServerRule[]).flatMap(server =>
    sdkNames.flatMap(sdk => troubles.map(([tabs, lossy]): SdkScenario => ({ sdk, server, tabs, lossy }))),
  )
  const rows: SdkRow[] = []
  const waiting = [...scenarios.entries()]
  await withBrowser(async browser => {
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, scenario] = next
        const row = await compareSdk(browser, scenario, expiries)
        const { sdk, server, tabs, lossy, posts, logouts } = row
        say(`${sdk}, ${server}, ${tabs} tabs${lossy ? ', answers lost' : ''}: ${posts} posts, ${logouts} logouts`)
        rows[index] = row
      }
    }
    await Promise.all(Array.from({ length: linesAtOnce }, work))
  })
  return rows
}

export async function withBrowser<Result>(work: (browser: Browser) => Promise<Result>): Promise<Result> {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error('There is no Chromium: npm test installs it, or says how.')
  const browser = await chromium.launch({ executablePath, args: flags })
  try {
    return await work(browser)
  } finally {
    await browser.close()
  }
}

/**
 * One SDK: sign in, and again and again the machine sleeps until the access token is over. Then all tabs wake up and call the API, each
 * `callsAtOnce` times at once.
 */
export async function compareSdk(browser: Browser, scenario: SdkScenario, expiries: number): Promise<SdkRow> {
  const entry = join(import.meta.dirname, 'in-page/main.ts')
  const { text } = await bundleForBrowser(`export * from ${JSON.stringify(entry)}`, { globalName: 'comparison' })
  const server = await startStrictServer(scenario.server, text)
  let logouts = 0
  let tabs: Page[] = []
  for (let expiry = 0; expiry < expiries; expiry++) {
    if (tabs.length === 0) tabs = await signedInTabs(browser, server, scenario)
    server.advance(lifetime)
    server.loseAnswers(scenario.lossy ? 1 : 0)
    await tabs[0]?.evaluate(sleepFor, lifetime)
    await Promise.all(tabs.map(tab => tab.evaluate(wakeUp)))
    await Promise.all(tabs.map(tab => callAtOnce(tab, callsAtOnce)))
    await new Promise(resolve => setTimeout(resolve, settling))
    // The dust has settled: who can still call?
    const statuses = await Promise.all(tabs.map(tab => callAtOnce(tab, 1)))
    const out = statuses.filter(([status]) => status !== 200).length
    logouts += out
    if (out === 0) continue
    await tabs[0]?.context().close()
    tabs = []
  }
  await tabs[0]?.context().close()
  const { posts, rotations, reuses } = server.counts
  await server.close()
  return { ...scenario, expiries, posts, rotations, reuses, logouts }
}

async function signedInTabs(browser: Browser, { origin, moved }: StrictServer, wanted: SdkScenario): Promise<Page[]> {
  const context = await browser.newContext()
  await context.addInitScript(shareClock)
  const open = async (): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(origin)
    if (context.pages().length === 1) await page.evaluate(sleepFor, moved())
    await page.evaluate(name => {
      const start = comparison.sdks[name]
      if (start === undefined) throw new Error(`no ${name}`)
      globalThis.sdk = start()
    }, wanted.sdk)
    return page
  }
  const first = await open()
  await first.evaluate(() => sdk.signIn())
  const others: Page[] = []
  while (others.length < wanted.tabs - 1) others.push(await open())
  const all = [first, ...others]
  const statuses = await Promise.all(all.map(tab => callAtOnce(tab, 1)))
  if (statuses.some(([status]) => status !== 200))
    throw new Error(`${wanted.sdk}: not signed in (${statuses.join(', ')})`)
  return all
}

/**
 * In the page: the wall clock of all tabs is one clock, as on one machine. How far it has moved stands where all of them see it at
 * once. Timers are late by what was slept, as they are.
 */
function shareClock(): void {
  const now = Date.now.bind(Date)
  const moved = (): number => now() + Number(localStorage.getItem('clock moved') ?? 0)
  globalThis.Date = new Proxy(Date, {
    construct: (target, values, newTarget) =>
      Reflect.construct(target, values.length === 0 ? [moved()] : values, newTarget),
    get: (target, name) => (name === 'now' ? moved : Reflect.get(target, name)),
  })
}

function sleepFor(milliseconds: number): void {
  localStorage.setItem('clock moved', String(Number(localStorage.getItem('clock moved') ?? 0) + milliseconds))
}

function wakeUp(): void {
  document.dispatchEvent(new Event('visibilitychange'))
}

/** The statuses of so many calls at once. */
function callAtOnce(tab: Page, count: number): Promise<number[]> {
  return tab.evaluate(
    async ([calls, limit]) => {
      const tooLate = new Promise<number>(resolve => setTimeout(() => resolve(0), limit))
      const one = (): Promise<number> => Promise.race([sdk.call().catch(() => 0), tooLate])
      return Promise.all(Array.from({ length: calls }, one))
    },
    [count, patience] as const,
  )
}
