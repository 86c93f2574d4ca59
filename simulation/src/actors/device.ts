import { type Countersign, createCountersign, type Locks, type State, type StoredSession } from '@countersign/app'
import { createMemoryRecord, type MemoryRecord, memoryStorage } from '@countersign/app/storage/memory'
import { instantSubtle } from '@countersign/app/testing/instant-subtle'
import { readRefreshToken } from '../history/read-tokens.ts'
import { apiUrl } from '../world/clients.ts'
import type { Dice } from '../world/dice.ts'
import { epoch } from '../world/disk.ts'
import { abortable, requestOf, responseOf } from '../world/fetch.ts'
import type { Network, Sender, Weather } from '../world/network.ts'
import { issuerUrl } from '../world/node.ts'
import type { VirtualTime } from '../world/virtual-time.ts'

export interface DeviceSpec {
  readonly name: string
  readonly user: string
  readonly clientId: string
  /** Whether the login is bound to a key. */
  readonly bound: boolean
  readonly tabs: number
  /** Whether the tabs see one record. */
  readonly shared: boolean
  readonly locks: boolean
}

export interface Tab {
  readonly name: string
  readonly app: Countersign
  /** Nothing of it runs any more, and what it waits for never comes. */
  frozen: boolean
  closed: boolean
  wake(): void
}

/** A browser with the real SDK in each tab. */
export interface Device {
  readonly spec: DeviceSpec
  readonly sender: Sender & { weather: Weather }
  readonly tabs: Tab[]
  readonly records: readonly MemoryRecord[]
  /** Milliseconds by which its clock is wrong. */
  clockError: number
  open(index: number): Tab
  stored(index: number): StoredSession | undefined
  signOut(index: number): Promise<void>
  signIn(index: number): Promise<void>
  /** Makes an API call; `undefined` if no token could be had. */
  token(index: number): Promise<string | undefined>
}

export interface DeviceWorld {
  readonly time: VirtualTime
  readonly dice: Dice
  readonly network: Network
  readonly callApi: (device: Sender, init: RequestInit) => Promise<Response>
  readonly onState: (device: Device, tab: Tab, state: State) => void
}

const subtle = instantSubtle()

export function createDevice(world: DeviceWorld, spec: DeviceSpec, sender: Device['sender']): Device {
  const dice = world.dice.fork(spec.name)
  const record = createMemoryRecord()
  const records = Array.from({ length: spec.tabs }, () => (spec.shared ? record : createMemoryRecord()))
  const locks = spec.locks ? createLocks() : undefined

  const device: Device = {
    spec,
    sender,
    tabs: [],
    records,
    clockError: 0,
    open(index) {
      const tab = openTab(world, device, { index, locks, dice: dice.fork(`tab ${index} ${device.tabs.length}`) })
      device.tabs[index] = tab
      return tab
    },
    stored: index => records[index]?.session,
    async signIn(index) {
      await device.tabs[index]?.app.signIn({ email: `${spec.user}@example.org`, password: passwordOf(spec.user) })
    },
    async signOut(index) {
      await device.tabs[index]?.app.signOut()
    },
    async token(index) {
      return device.tabs[index]?.app.getToken().catch(() => undefined)
    },
  }
  return device
}

export function passwordOf(user: string): string {
  return `password of ${user}`
}

/** Opens a tab over a record; a thief with a copied profile does the same elsewhere. */
function openTab(
  world: DeviceWorld,
  device: Device,
  tabOf: { index: number; locks: Locks | undefined; dice: Dice },
): Tab {
  const { time, network } = world
  const { spec, sender } = device
  const storage = memoryStorage(device.records[tabOf.index])
  let wake = (): void => {}
  const tab = { name: `${spec.name}${spec.tabs > 1 ? ` tab ${tabOf.index + 1}` : ''}`, frozen: false, closed: false }
  const thaw = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      work.then(
        value => tab.frozen || resolve(value),
        error => tab.frozen || reject(error),
      )
    })
  const app = createCountersign({
    issuer: issuerUrl,
    clientId: spec.clientId,
    apiOrigins: [apiUrl],
    dpop: spec.bound,
    storage: {
      ...storage,
      shared: spec.shared,
      get: () => thaw(storage.get()),
      compareAndSet: (expected, next) => thaw(storage.compareAndSet(expected, next)),
      remove: expected => thaw(storage.remove(expected)),
    },
    fetch: (input, init) => {
      const { origin } = new URL(input instanceof Request ? input.url : input)
      const answer =
        origin === issuerUrl
          ? network.send(sender, requestOf(input, init, sender.ip)).then(received => responseOf(received))
          : world.callApi(sender, init ?? {})
      return thaw(abortable(answer, init?.signal))
    },
    clock: { now: () => epoch + time.now() + device.clockError, monotonic: time.now },
    timers: {
      // Browsers count in whole milliseconds.
      set: (action, delay) => time.after(Math.max(1, Math.ceil(delay)), () => tab.frozen || action()),
      clear: timer => time.cancel(timer as ReturnType<VirtualTime['after']> | undefined),
    },
    randomBytes: tabOf.dice.bytes,
    subtle,
    locks: tabOf.locks,
    wakeUps: listener => {
      wake = listener
      return () => {
        wake = () => {}
      }
    },
    report: () => {},
  })
  const opened: Tab = Object.assign(tab, { app, wake: () => wake() })
  app.subscribe(state => world.onState(device, opened, state))
  return opened
}

/** The refresh token of a stored session, live or signed out. */
export function refreshTokenOf(session: StoredSession | undefined): string | undefined {
  if (session === undefined) return undefined
  return 'ended' in session ? session.unrevoked : session.refreshToken
}

export function familyOf(session: StoredSession | undefined): string | undefined {
  return readRefreshToken(refreshTokenOf(session))?.familyId
}

/** Web Locks of one browser, exclusive mode. */
function createLocks(): Locks {
  const queues = new Map<string, Promise<unknown>>()
  return {
    request(name, { signal }, section) {
      const before = queues.get(name) ?? Promise.resolve()
      const aborted = new Promise<never>((_, reject) => {
        if (signal.aborted) reject(signal.reason as Error)
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
      aborted.catch(() => {})
      const result = Promise.race([before, aborted]).then(section)
      queues.set(
        name,
        before.then(() => result.catch(() => {})),
      )
      return result
    },
  }
}
