import type { Client, KeyPolicy } from '@countersign/core'
import { errorBody, type Refusal, reasonHeader, reasons, refuse } from '@countersign/protocol'
import {
  createNode,
  type HttpAnswer,
  type HttpRequest,
  type JudgeRefresh,
  type RefreshEvent,
  type ServerNode,
} from '@countersign/server'
import { StoreUnavailable } from '@countersign/store'
import type { Dice } from './dice.ts'
import { type Disk, epoch } from './disk.ts'
import { createLink, createNodeStore, type Link, type WrapStore } from './node-store.ts'
import type { VirtualTime } from './virtual-time.ts'

export const issuerUrl = 'https://login.example'
export const masterKey: Buffer = Buffer.alloc(32, 5)

/** One server process. It can be killed at any moment, also between a commit and the answer. */
export interface NodeProcess {
  readonly name: string
  readonly link: Link
  /** Milliseconds by which its clock is wrong. */
  clockError: number
  /** Undefined while it is down or starting. */
  readonly running: () => ServerNode | undefined
  start(): Promise<void>
  crash(): void
  /** Rejects if the process dies meanwhile or is not there: the connection breaks. */
  answer(request: HttpRequest): Promise<HttpAnswer>
}

export interface NodeWorld {
  readonly disk: Disk
  readonly time: VirtualTime
  readonly dice: Dice
  readonly clients: readonly Client[]
  readonly keyPolicy: KeyPolicy
  readonly wrapStore?: WrapStore | undefined
  readonly intake?: ((request: HttpRequest) => HttpRequest) | undefined
  readonly judgeRefresh?: ((node: NodeProcess) => JudgeRefresh | undefined) | undefined
  readonly onRefresh: (event: RefreshEvent) => void
  readonly onFailure: (node: string, error: unknown) => void
  readonly count: (fault: string) => void
  readonly untold: (node: string) => void
}

const silent = { info: () => {}, warn: () => {}, error: () => {} }

/** Passwords are not what is simulated here; argon2 would take all the time that there is. */
const plainPasswords = {
  hash: async (password: string) => `plain ${password}`,
  verify: async (password: string, phc: string | null) => ({
    matches: phc === `plain ${password}`,
    needsRehash: false,
  }),
  read: () => ({ scheme: 'plain' }),
  load: () => ({ running: 0, waiting: 0 }),
  close: async () => {},
}

export function createNodeProcess(world: NodeWorld, name: string): NodeProcess {
  const { disk, time } = world
  const dice = world.dice.fork(name)
  const link = createLink()
  const breaks = new Set<() => void>()
  let node: ServerNode | undefined
  let matchRoute: ((path: string) => Matched | undefined) | undefined

  async function open(life: number): Promise<void> {
    const store = createNodeStore({
      disk,
      time,
      dice: dice.fork(`store ${life}`),
      link,
      node: name,
      count: world.count,
      untold: () => world.untold(name),
    })
    const random = dice.fork(`random ${life}`)
    const judgeRefresh = world.judgeRefresh?.(self)
    const opened = await createNode({
      config: {
        issuer: issuerUrl,
        applicationName: 'Simulation',
        signUp: 'closed',
        trustedProxies: [],
        keyPolicy: world.keyPolicy,
        apiLifetimes: new Map(),
        keepEndedSeconds: 7 * 86_400,
      },
      store: world.wrapStore?.(store) ?? store,
      master: masterKey,
      clients: world.clients,
      log: silent,
      clock: () => epoch + Math.floor(time.now()) + self.clockError,
      monotonic: time.now,
      random: random.bytes,
      every: time.every,
      passwords: plainPasswords,
      ...(judgeRefresh && { judgeRefresh }),
      onRefresh: world.onRefresh,
    })
    if (link.life !== life) return opened.stop()
    const { keys } = opened.services
    const { mint } = keys
    Object.assign(keys, {
      mint() {
        if (link.signingFails) throw new StoreUnavailable('the signing key does not answer')
        return mint()
      },
    })
    node = opened
    matchRoute = matcherOf(opened)
  }

  const self: NodeProcess = {
    name,
    link,
    clockError: 0,
    running: () => node,
    async start() {
      const { life } = link
      while (link.life === life && node === undefined && !link.off) {
        await open(life).catch(error => {
          if (!(error instanceof StoreUnavailable)) throw error
        })
        if (node === undefined) await time.sleep(1_000)
      }
    },
    crash() {
      link.life++
      link.diesAfterSteps = 0
      node?.stop()
      node = undefined
      for (const snap of breaks) snap()
      breaks.clear()
    },
    answer(request) {
      if (node === undefined || matchRoute === undefined) return Promise.reject(new Error('connection refused'))
      const matched = matchRoute(request.path)
      const endpoint = { GET: matched?.route.get, POST: matched?.route.post, DELETE: matched?.route.delete }[
        request.method
      ]
      if (matched === undefined || endpoint === undefined)
        throw new Error(`nothing at ${request.method} ${request.path}`)
      return new Promise((resolve, reject) => {
        const snap = (): void => reject(new Error('connection reset'))
        breaks.add(snap)
        const taken = world.intake?.(request) ?? request
        const answer = async (): Promise<HttpAnswer> => endpoint({ ...taken, params: matched.params })
        void answer()
          .catch(error => failureAnswer(error, name, world.onFailure))
          .then(resolve)
          .finally(() => breaks.delete(snap))
      })
    },
  }
  link.die = self.crash
  return self
}

/** What the HTTP server makes of an exception. */
function failureAnswer(error: unknown, node: string, onFailure: NodeWorld['onFailure']): HttpAnswer {
  if (!(error instanceof StoreUnavailable)) onFailure(node, error)
  const seconds = error instanceof StoreUnavailable ? error.retryAfterSeconds : 5
  return answerOf(refuse('unavailable', { retryAfterSeconds: seconds }))
}

function answerOf(refusal: Refusal): HttpAnswer {
  const headers = { [reasonHeader]: refusal.reason, 'retry-after': String(refusal.retryAfterSeconds ?? 1) }
  return { status: reasons[refusal.reason].status, headers, body: JSON.stringify(errorBody(refusal)) }
}

interface Matched {
  readonly route: ServerNode['routes'][number]
  readonly params: Record<string, string>
}

/** Paths with `:names`, as the HTTP server's router has them. */
function matcherOf({ routes }: ServerNode): (path: string) => Matched | undefined {
  const exact = new Map(routes.map(route => [route.path, route]))
  const patterns = routes.filter(({ path }) => path.includes(':'))
  return path => {
    const route = exact.get(path)
    if (route !== undefined) return { route, params: {} }
    for (const candidate of patterns) {
      const params = paramsOf(candidate.path, path)
      if (params !== undefined) return { route: candidate, params }
    }
    return undefined
  }
}

function paramsOf(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decodeURIComponent(given[index] ?? '')
    else if (part !== given[index]) return undefined
  }
  return params
}
