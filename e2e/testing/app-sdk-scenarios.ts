/**
 * What the app SDK must do in a real browser, whatever token server it talks to.
 *
 * @module
 */
import type { Countersign, createCountersign, TokenStorage } from '@countersign/app'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startAppSite } from './app-page.ts'
import type { Listening } from './listen.ts'
import { type LoopbackProxy, startLoopbackProxy } from './loopback-proxy.ts'
import { launchBrowser } from './real-browser.ts'
import type { StartTokenServer, TokenServer } from './token-server.ts'

/** In the page. */
declare global {
  var app: Countersign
  var sdk: {
    createCountersign: typeof createCountersign
    indexedDbStorage(name: string): TokenStorage
    localStorageStorage(name: string): TokenStorage
    sessionStorageStorage(name: string): TokenStorage
    checkTokenStorage(storage: TokenStorage): Promise<string[]>
  }
}

let browser: Browser
let site: Listening
let proxy: LoopbackProxy
let server: TokenServer
let context: BrowserContext

async function openTab(options: { withLocks?: boolean } = {}): Promise<Page> {
  const page = await context.newPage()
  if (options.withLocks === false) {
    await page.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }))
  }
  const settings = { issuer: proxy.url, clientId: server.clientId }
  await page.addInitScript(given => {
    addEventListener('DOMContentLoaded', () => {
      globalThis.app = sdk.createCountersign(given)
    })
  }, settings)
  await page.goto(site.origin)
  await page.evaluate(() => app.ready)
  return page
}

const signIn = (page: Page) => page.evaluate(async who => (await app.signIn(who)).refused, server.credentials)

/** The distinct statuses of `count` calls at once. */
function callApi(page: Page, count: number): Promise<number[]> {
  return page.evaluate(
    async ([url, calls]) => {
      const answers = await Promise.all(Array.from({ length: calls }, () => app.fetch(url)))
      return [...new Set(answers.map(answer => answer.status))]
    },
    [proxy.url + server.apiPath, count] as const,
  )
}

const stateOf = (page: Page) => page.evaluate(() => app.state)
const reaches = (page: Page, status: string) => page.waitForFunction(wanted => app.state.status === wanted, status)

/** Starts the SDK again, on localStorage. */
async function useLocalStorage(page: Page): Promise<void> {
  await page.evaluate(
    async ([issuer, clientId]) => {
      app.close()
      globalThis.app = sdk.createCountersign({ issuer, clientId, storage: sdk.localStorageStorage('login') })
      await app.ready
    },
    [proxy.url, server.clientId] as const,
  )
}

/** A promise that is kept when somebody says so. */
function later(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, resolve }
}

/** Resolves when a request for tokens has arrived, and holds it back until `release` is kept. */
function holdNextRefresh(release: Promise<void>): Promise<void> {
  return new Promise(arrived => {
    proxy.mishap = ({ path }) => {
      if (path !== '/token') return undefined
      proxy.mishap = () => undefined
      arrived()
      return release
    }
  })
}

export function testInBrowser(name: string, startTokenServer: StartTokenServer): void {
  describe(name, () => {
    beforeAll(async () => {
      const ignoreDefaultArgs = ['--disable-back-forward-cache']
      browser = await launchBrowser({ ignoreDefaultArgs })
      site = await startAppSite()
      proxy = await startLoopbackProxy()
    })
    beforeEach(async () => {
      proxy.mishap = () => undefined
      server = await startTokenServer({ issuer: proxy.url, appOrigin: site.origin })
      proxy.upstream = server.upstream
      context = await browser.newContext()
    })
    afterEach(async () => {
      await context.close()
      await server.stop()
    })
    afterAll(async () => {
      await browser.close()
      await site.close()
      await proxy.close()
    })
    testManyTabs()
    testInterruptedTabs()
    testStorages()
  })
}

function testManyTabs(): void {
  for (const withLocks of [true, false]) {
    const how = withLocks ? 'with Web Locks' : 'without locks'

    test(`50 calls in each of 10 tabs at every expiry, ${how}: rotations = expiries, every call 200`, async () => {
      const tabs = await Promise.all(Array.from({ length: 10 }, () => openTab({ withLocks })))
      await signIn(tabs[0] as Page)
      await Promise.all(tabs.map(tab => reaches(tab, 'fresh')))
      let tokenRequests = 0
      for (let round = 1; round <= 3; round++) {
        // In every round the first answer of the token endpoint is lost after the server has rotated; later on, more.
        let left = round % 3
        proxy.mishap = ({ path }) => {
          if (path !== '/token') return undefined
          tokenRequests++
          return left-- > 0 ? 'lose-answer' : undefined
        }
        await server.expireAll()
        const statuses = await Promise.all(tabs.map(tab => callApi(tab, 50)))
        expect(statuses.flat().every(status => status === 200)).toBe(true)
        expect(await server.counts()).toMatchObject({ rotations: round, reuses: 0 })
      }
      for (const tab of tabs) expect(await stateOf(tab)).toEqual({ status: 'fresh' })
      const tokens = await Promise.all(tabs.map(tab => tab.evaluate(() => app.getToken())))
      expect(new Set(tokens).size).toBe(1)
      expect(tokenRequests).toBeGreaterThanOrEqual(6)
    }, 240_000)
  }

  test('a sign-out in one tab is seen by the others, and a sign-in too', async () => {
    const [first, second] = (await Promise.all([openTab(), openTab()])) as [Page, Page]
    await signIn(first)
    await reaches(second, 'fresh')
    expect(await callApi(second, 1)).toEqual([200])
    await first.evaluate(() => app.signOut())
    await reaches(second, 'signedOut')
    expect(await stateOf(second)).toEqual({ status: 'signedOut', reason: 'signed_out' })
    expect(await callApi(second, 1)).toEqual([401])
    await signIn(second)
    await reaches(first, 'fresh')
  })

  test('a page that is loaded again is still signed in, without a request for tokens', async () => {
    const tab = await openTab()
    await signIn(tab)
    proxy.mishap = ({ path }) => (path === '/token' ? 'lose-request' : undefined)
    await tab.reload()
    await reaches(tab, 'fresh')
    expect(await callApi(tab, 1)).toEqual([200])
  })
}

function testInterruptedTabs(): void {
  for (const fate of ['closed', 'crashed'] as const) {
    test(`the tab that refreshes is ${fate} in the middle of it: the others go on`, async () => {
      const [killed, other] = (await Promise.all([openTab(), openTab()])) as [Page, Page]
      await signIn(other)
      await reaches(killed, 'fresh')
      await server.expireAll()
      const release = later()
      const arrived = holdNextRefresh(release.promise)
      await killed.evaluate(() => void app.refresh())
      await arrived
      const calls = callApi(other, 20)
      if (fate === 'closed') await killed.close()
      else await killed.goto('chrome://crash').catch(() => {})
      release.resolve()
      expect(await calls).toEqual([200])
      expect(await server.counts()).toMatchObject({ rotations: 1, reuses: 0 })
    })
  }

  test('the tab that holds the lock is frozen: the others wait for it, then go on without', async () => {
    const [frozen, other] = (await Promise.all([openTab(), openTab()])) as [Page, Page]
    await signIn(other)
    await reaches(frozen, 'fresh')
    await server.expireAll()
    const release = later()
    const arrived = holdNextRefresh(release.promise)
    await frozen.evaluate(() => void app.refresh())
    await arrived
    const session = await context.newCDPSession(frozen)
    await session.send('Page.setWebLifecycleState', { state: 'frozen' })
    const held = await other.evaluate(async () => (await navigator.locks.query()).held?.length)
    expect(held).toBe(1)
    expect(await callApi(other, 20)).toEqual([200])
    release.resolve()
    await session.send('Page.setWebLifecycleState', { state: 'active' })
    expect(await callApi(frozen, 5)).toEqual([200])
    expect(await server.counts()).toMatchObject({ rotations: 1, reuses: 0 })
  })

  for (const kind of ['IndexedDB', 'localStorage'] as const) {
    test(`a page that comes back from the back-forward cache hears what it has missed (${kind})`, async () => {
      const [away, other] = (await Promise.all([openTab(), openTab()])) as [Page, Page]
      if (kind === 'localStorage') for (const tab of [away, other]) await useLocalStorage(tab)
      await signIn(other)
      await reaches(away, 'fresh')
      await away.evaluate(() => {
        document.title = 'the same document'
      })
      await away.goto(`${site.origin}/elsewhere`)
      await other.evaluate(() => app.signOut())
      await away.goBack({ waitUntil: 'commit' })
      await reaches(away, 'signedOut')
      // Chromium drops a cached page that a channel's message was for; it is then loaded anew, and reads the storage.
      expect(await away.title()).toBe(kind === 'localStorage' ? 'the same document' : 'App')
    })
  }
}

function testStorages(): void {
  test('each storage of the browser keeps the contract', async () => {
    const tab = await openTab()
    const broken = await tab.evaluate(async () => ({
      indexedDb: await sdk.checkTokenStorage(sdk.indexedDbStorage('contract')),
      local: await sdk.checkTokenStorage(sdk.localStorageStorage('contract')),
      session: await sdk.checkTokenStorage(sdk.sessionStorageStorage('contract')),
    }))
    expect(broken).toEqual({ indexedDb: [], local: [], session: [] })
  })

  test('ten tabs write over the same version at once: one of them does', async () => {
    const tabs = await Promise.all(Array.from({ length: 10 }, () => openTab()))
    const won = await Promise.all(
      tabs.map((tab, index) =>
        tab.evaluate(
          version => sdk.indexedDbStorage('race').compareAndSet(undefined, { version, ended: 'none' }),
          `tab ${index}`,
        ),
      ),
    )
    expect(won.filter(one => one)).toHaveLength(1)
  })

  test('what lies in IndexedDB holds a key that signs and cannot be taken out', async () => {
    const tab = await openTab()
    await signIn(tab)
    const found = await tab.evaluate(async name => {
      const stored = await sdk.indexedDbStorage(name).get()
      const key = stored && 'key' in stored ? stored.key?.privateKey : undefined
      if (!key) return undefined
      const exported = await crypto.subtle.exportKey('pkcs8', key).then(
        () => 'exported',
        error => error.name,
      )
      return { extractable: key.extractable, exported, algorithm: key.algorithm.name }
    }, `countersign ${proxy.url} ${server.clientId}`)
    expect(found).toEqual({ extractable: false, exported: 'InvalidAccessError', algorithm: 'ECDSA' })
    expect(await tab.evaluate(() => app.bound)).toBe(true)
  })

  test('a script that carries all of it out of the page has an access token until its end, and a refresh token that is worth nothing without the key', async () => {
    const tab = await openTab()
    await signIn(tab)
    const stolen = await tab.evaluate(async name => {
      const found = await sdk.indexedDbStorage(name).get()
      return found as { accessToken?: string; refreshToken?: string } | undefined
    }, `countersign ${proxy.url} ${server.clientId}`)
    const { accessToken = '', refreshToken = '' } = stolen ?? {}
    const authorization = `Bearer ${accessToken}`
    expect((await fetch(server.upstream + server.apiPath, { headers: { authorization } })).status).toBe(200)
    const form = { grant_type: 'refresh_token', client_id: server.clientId, refresh_token: refreshToken }
    const elsewhere = await fetch(`${server.upstream}/token`, { method: 'POST', body: new URLSearchParams(form) })
    expect([elsewhere.status, await elsewhere.json()]).toEqual([
      400,
      expect.objectContaining({ reason: 'proof_required' }),
    ])
    await tab.evaluate(() => app.refresh())
    expect((await stateOf(tab)).status).toBe('fresh')
  })

  test('localStorage, unbound: a login is shared by the tabs, and a sign-out too', async () => {
    const [first, second] = (await Promise.all([openTab(), openTab()])) as [Page, Page]
    for (const tab of [first, second]) await useLocalStorage(tab)
    await signIn(first)
    await reaches(second, 'fresh')
    expect(await second.evaluate(() => app.bound)).toBe(false)
    await server.expireAll()
    expect((await Promise.all([callApi(first, 20), callApi(second, 20)])).flat()).toEqual([200, 200])
    await second.evaluate(() => app.signOut())
    await reaches(first, 'signedOut')
    expect(await first.evaluate(() => localStorage.getItem('login'))).toBeNull()
  })
}
