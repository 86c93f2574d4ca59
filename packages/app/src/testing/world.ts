/**
 * A browser, a network and a server in one process, with time that passes only when it is told to: the same run, the
 * same order, every time.
 *
 * @module
 */
import { type Countersign, type CountersignOptions, createCountersign } from '../create-countersign.ts'
import type { Locks, Timers } from '../platform.ts'
import type { State } from '../state.ts'
import { createMemoryRecord, type MemoryRecord, memoryStorage } from '../storage/memory.ts'
import { instantSubtle } from './instant-subtle.ts'
import { createStrictIssuer, type StrictIssuer, type StrictIssuerOptions } from './strict-issuer.ts'

export const issuerUrl = 'https://login.example.com'
export const apiUrl = 'https://api.example.com'
export const credentials = { email: 'ada@example.com', password: 'correct horse' }

/** What happens to one request: lost on the way there, lost on the way back, answered by somebody else, or nothing. */
export type Fault = 'lose-request' | 'lose-answer' | 'hang' | Response | undefined

export interface Sent {
  readonly url: string
  readonly path: string
  readonly method: string
  readonly headers: Headers
  readonly tab: Tab
}

export interface Tab {
  readonly name: string
  readonly app: Countersign
  readonly states: State[]
  readonly reports: string[]
  /** Milliseconds by which this device's clock is wrong; may change at any time. */
  clockError: number
  /** False: requests fail at once. */
  online: boolean
  /** True: nothing of this tab runs any more; what it awaits never comes, its locks stay. */
  frozen: boolean
  wake(): void
}

export interface World {
  readonly issuer: StrictIssuer
  readonly record: MemoryRecord
  readonly locks: Locks
  readonly sent: Sent[]
  /** Decides what happens to each request. */
  fault: (sent: Sent) => Fault
  /** Milliseconds each way. */
  latency: number
  now(): number
  tab(options?: Partial<CountersignOptions>): Tab
  /** Lets time pass. */
  pass(milliseconds: number): Promise<void>
  /** Lets time pass until `work` is done, an hour at most. */
  until<T>(work: Promise<T>): Promise<T>
  /** Everything that can happen without time passing. */
  settle(): Promise<void>
  posts(path: string): number
}

export function createWorld(options: Partial<StrictIssuerOptions> = {}): World {
  const time = createTime()
  const random = createRandom(1)
  const subtle = instantSubtle()
  const locks = createLocks()
  const record = createMemoryRecord()
  const issuer = createStrictIssuer({ issuer: issuerUrl, now: time.now, ...options })
  const sent: Sent[] = []
  let tabs = 0

  const world: World = {
    issuer,
    record,
    locks,
    sent,
    fault: () => undefined,
    latency: 20,
    now: time.now,
    pass: time.pass,
    until: time.until,
    settle: time.settle,
    posts: path => sent.filter(request => request.path === path).length,
    tab: (more = {}) => openTab(world, `tab ${++tabs}`, { time, random, subtle, locks }, more),
  }
  return world
}

interface Machine {
  readonly time: Time
  readonly random: (length: number) => Uint8Array
  readonly subtle: SubtleCrypto
  readonly locks: Locks
}

function openTab(world: World, name: string, machine: Machine, more: Partial<CountersignOptions>): Tab {
  const { time, random, subtle, locks } = machine
  let wake = () => {}
  const tab = { name, states: [], reports: [], clockError: 0, online: true, frozen: false } as unknown as {
    -readonly [Member in keyof Tab]: Tab[Member]
  }
  /** A frozen tab gets no answers and no timers. */
  const thaw = <T>(work: Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      work.then(
        value => !tab.frozen && resolve(value),
        error => !tab.frozen && reject(error),
      )
    })
  const storage = more.storage ?? memoryStorage(world.record)
  tab.app = createCountersign({
    issuer: issuerUrl,
    clientId: 'demo',
    apiOrigins: [apiUrl],
    fetch: (input, init) => thaw(travel(world, time, tab, new Request(input, init))),
    clock: { now: () => time.now() + tab.clockError, monotonic: time.monotonic },
    timers: { ...time.timers, set: (action, delay) => time.timers.set(() => !tab.frozen && action(), delay) },
    randomBytes: random,
    subtle,
    locks,
    wakeUps: listener => {
      wake = listener
      return () => {
        wake = () => {}
      }
    },
    report: problem => tab.reports.push(problem),
    ...more,
    storage: {
      ...storage,
      get: () => thaw(storage.get()),
      compareAndSet: (expected, next) => thaw(storage.compareAndSet(expected, next)),
      remove: expected => thaw(storage.remove(expected)),
    },
  })
  tab.wake = () => wake()
  tab.app.subscribe(state => tab.states.push(state))
  return tab
}

async function travel(world: World, time: Time, tab: Tab, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const exchange = { url: request.url, path: pathname, method: request.method, headers: request.headers, tab }
  world.sent.push(exchange)
  const fault = tab.online ? world.fault(exchange) : 'lose-request'
  const lost = () => new TypeError('Failed to fetch')
  await time.sleep(world.latency, request.signal)
  if (fault === 'hang') await time.sleep(Number.POSITIVE_INFINITY, request.signal)
  if (fault === 'lose-request') throw lost()
  if (fault instanceof Response) return fault.clone()
  const response = await world.issuer.respond(request)
  await time.sleep(world.latency, request.signal)
  if (fault === 'lose-answer') throw lost()
  return response
}

interface Time {
  now(): number
  monotonic(): number
  readonly timers: Timers
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
  pass(milliseconds: number): Promise<void>
  until<T>(work: Promise<T>): Promise<T>
  settle(): Promise<void>
}

function createTime(): Time {
  const epoch = Date.UTC(2026, 10, 1)
  const queue = new Map<number, { readonly due: number; readonly action: () => void }>()
  let elapsed = 0
  let serial = 0

  const timers: Timers = {
    set(action, delay) {
      if (delay > 30_000 && delay !== Number.POSITIVE_INFINITY) throw new Error('a timer beyond 30 s')
      queue.set(++serial, { due: elapsed + delay, action })
      return serial
    },
    clear: timer => queue.delete(timer as number),
  }

  // Streams and bodies take a few turns of the loop, never any time.
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 8; turn++) await new Promise(resolve => setImmediate(resolve))
  }

  /** Fires the earliest timer that is due by `limit`. */
  function step(limit: number): boolean {
    let first: [number, { readonly due: number; readonly action: () => void }] | undefined
    for (const entry of queue) if (!first || entry[1].due < first[1].due) first = entry
    if (!first || first[1].due > limit) return false
    queue.delete(first[0])
    elapsed = Math.max(elapsed, first[1].due)
    first[1].action()
    return true
  }

  return {
    now: () => epoch + elapsed,
    monotonic: () => elapsed,
    timers,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const timer = timers.set(resolve, milliseconds)
        signal.addEventListener('abort', () => {
          timers.clear(timer)
          reject(signal.reason)
        })
      }),
    settle,
    async pass(milliseconds) {
      const end = elapsed + milliseconds
      do await settle()
      while (step(end))
      elapsed = end
      await settle()
    },
    async until(work) {
      const end = elapsed + 3_600_000
      let done = false
      const finish = () => {
        done = true
      }
      work.then(finish, finish)
      for (;;) {
        await settle()
        if (done) return work
        if (!step(end)) throw new Error('it never ends')
      }
    },
  }
}

/** Web Locks of one origin, exclusive mode. */
export function createLocks(): Locks {
  const queues = new Map<string, Promise<unknown>>()
  return {
    request(name, { signal }, section) {
      const before = queues.get(name) ?? Promise.resolve()
      const aborted = new Promise<never>((_, reject) => {
        if (signal.aborted) reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason))
      })
      aborted.catch(() => {})
      const granted = Promise.race([before, aborted])
      const result = granted.then(section)
      queues.set(
        name,
        before.then(() => result.catch(() => {})),
      )
      return result
    },
  }
}

/** Numbers that look random and are the same in every run. */
export function createRandom(seed: number): (length: number) => Uint8Array {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) & 0xff
  }
  return length => Uint8Array.from({ length }, next)
}
