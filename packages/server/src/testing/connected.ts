import { type Connection, createConnection, type WrittenConnection } from '@countersign/connections'
import { type Browser, browser } from './browser.ts'
import type { Answer } from './calls.ts'
import { closeGiven, type GivenOptions, type GivenServer, given } from './given.ts'
import { type OpenidUpstream, startOpenid } from './upstreams/openid.ts'
import { closeUpstreams, type Upstream } from './upstreams/upstream.ts'

/**
 * A server that people sign in to with others, on today's clock: providers have no other. It waits for them for longer than any machine takes that is busy, unless told
 * otherwise (`timeoutMs`): where one is to be silent.
 */
export async function connectedServer(
  settings: readonly (WrittenConnection | Connection)[],
  { timeoutMs = 20_000, ...more }: GivenOptions & { timeoutMs?: number } = {},
): Promise<GivenServer> {
  let clock = (): number => Date.now()
  const connections = settings.map(one =>
    'start' in one ? one : createConnection(one, { clock: () => clock(), timeoutMs, keyCooldownMs: 0 }),
  )
  const to = await given.server({ ...more, time: Date.now(), connections })
  clock = to.now
  return to
}

/** An OpenID provider, and a server that people sign in to with it: the connection `work`. */
export async function connectedToOpenid(
  settings: Partial<WrittenConnection> = {},
  more: GivenOptions = {},
): Promise<{ upstream: OpenidUpstream; to: GivenServer }> {
  const upstream = await startOpenid()
  return { upstream, to: await connectedServer([{ ...upstream.settings, ...settings }], more) }
}

/** For `afterEach`: closes servers and providers. */
export async function closeConnected(): Promise<void> {
  await closeGiven()
  await closeUpstreams()
}

/** Begins a sign-in, as a click on the page does; the address of the provider. */
export async function beginWith(page: Browser, name: string, returnTo = '/account'): Promise<string> {
  const answer = await page.get(`/connections/${name}?${new URLSearchParams({ return_to: returnTo })}`)
  const { location } = answer.headers
  if (answer.status !== 303 || location === undefined) throw new Error(`${answer.status} ${answer.text}`)
  return location
}

/** The whole way: to the provider, and back with what it says. The answer is the callback's. */
export async function signInWith(
  to: GivenServer,
  upstream: Upstream,
  name: string,
  more: { page?: Browser; returnTo?: string } = {},
): Promise<Answer & { page: Browser }> {
  const { page = browser(to) } = more
  const back = await upstream.visit(await beginWith(page, name, more.returnTo))
  return { ...(await page.get(pathOf(back))), page }
}

/** What the browser asks us for. */
export function pathOf(address: string): string {
  const { pathname, search } = new URL(address)
  return `${pathname}${search}`
}
