import { createMemoryStore, type Store, type StoreOptions } from '@countersign/store'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { type Browser, browser } from '../../testing/browser.ts'
import { authorization, redeem } from '../../testing/calls.ts'
import { closeGiven, type GivenServer, given, redirectUri } from '../../testing/given.ts'

/* The state of an authorization request is in its address: no node has to remember it, and no tab is in another one's way. */

afterEach(closeGiven)

type Answering = (request: InjectOptions) => Promise<LightMyRequestResponse>

const reachedBy = (to: GivenServer, inject: Answering): GivenServer => ({ ...to, http: { inject } as FastifyInstance })

/** Two nodes, or one and what is started in its place. */
async function twoOnOneStore(): Promise<readonly [GivenServer, GivenServer]> {
  const store = createMemoryStore
  let shared: Store | undefined
  const openStore = async (options: StoreOptions): Promise<Store> => {
    if (shared !== undefined) return { ...shared, close: async () => {} }
    shared = store(options)
    return shared
  }
  return [await given.server({ openStore }), await given.server({ openStore })]
}

test('what one server has shown another one takes: sign-up, sign-in, consent, code', async () => {
  const [first, second] = await twoOnOneStore()
  const moving = reachedBy(first, request => (request.method === 'GET' ? first : second).http.inject(request))
  const asked = { client_id: 'stranger', redirect_uri: 'https://stranger.example/callback' }
  await browser(moving).signUp()
  const { path, verifier } = authorization({ ...asked, state: 'from before the restart' })
  const { parameters, pages } = await browser(moving).follow(path)
  expect(pages).toEqual(['/authorize', '/sign-in', '/authorize', '/consent'])
  expect(parameters.get('state')).toBe('from before the restart')
  const fields = { ...asked, code: parameters.get('code') ?? '', code_verifier: verifier }
  expect((await redeem(second, fields)).status).toBe(200)
})

/** Pages as they were when their tab was opened, whatever has happened in others since. */
function tabs(to: GivenServer): { readonly page: Browser; open(path: string): Promise<void> } {
  const opened = new Map<string, LightMyRequestResponse>()
  const page = browser(
    reachedBy(to, async request => {
      const kept = request.method === 'GET' ? opened.get(String(request.url)) : undefined
      return kept ?? to.http.inject(request)
    }),
  )
  return {
    page,
    async open(path) {
      await page.get(path)
      const cookie = [...page.jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const shown = await to.http.inject({ method: 'GET', url: path, headers: { cookie } })
      const { 'set-cookie': _, ...headers } = shown.headers
      opened.set(path, { statusCode: shown.statusCode, headers, body: shown.body } as LightMyRequestResponse)
    },
  }
}

test('two tabs ask for two applications: the second one signs in with the page that it has had since before', async () => {
  const to = await given.server()
  await browser(to).signUp()
  const { page, open } = tabs(to)
  const asked = [
    authorization({ state: 'one' }),
    authorization({ client_id: 'stranger', redirect_uri: 'https://stranger.example/callback', state: 'two' }),
  ]
  const paths = await Promise.all(asked.map(async ({ path }) => String((await page.get(path)).headers.location)))
  for (const path of paths) await open(path)
  const [first = '', second = ''] = paths
  const one = await page.follow(String((await page.signIn(undefined, first)).headers.location))
  const two = await page.follow(String((await page.signIn(undefined, second)).headers.location))
  expect([one, two].map(({ parameters }) => [parameters.get('state'), parameters.has('code')])).toEqual([
    ['one', true],
    ['two', true],
  ])
  const code = one.parameters.get('code') ?? ''
  const fields = { code, code_verifier: asked[0]?.verifier ?? '', client_id: 'app', redirect_uri: redirectUri }
  expect((await redeem(to, fields)).status).toBe(200)
})
