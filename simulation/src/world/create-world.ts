import { defaultKeyPolicy, hashCode, makeId, newUser, type User } from '@countersign/core'
import type { Reason } from '@countersign/protocol'
import { reasonHeader } from '@countersign/protocol'
import type { HttpAnswer, HttpRequest } from '@countersign/server'
import { type Api, createApi } from '../actors/api.ts'
import { type Application, createApplication } from '../actors/application.ts'
import { createBrowser } from '../actors/browser.ts'
import { createDevice, type Device, passwordOf } from '../actors/device.ts'
import { createPlainClient, type PlainClient } from '../actors/plain-client.ts'
import type { Breakage } from '../breakages/breakage.ts'
import { createHistory, type HistoryEvent, type Party } from '../history/history.ts'
import { readAccessToken, readRefreshToken } from '../history/read-tokens.ts'
import type { Plan } from '../plan/plan.ts'
import { clientSecrets, clients, clientsThatAsk } from './clients.ts'
import { createDice } from './dice.ts'
import { createDisk, epoch } from './disk.ts'
import { createNetwork, fairWeather, type Sender, type Weather } from './network.ts'
import { createNodeProcess, type NodeProcess } from './node.ts'
import { createVirtualTime } from './virtual-time.ts'
import type { World } from './world.ts'

/** Builds the world of a plan: nodes that run, users that exist, and nobody signed in yet. */
export async function createWorld(plan: Plan, breakage?: Breakage): Promise<World> {
  const time = createVirtualTime()
  const dice = createDice(`seed ${plan.seed}`)
  const history = createHistory()
  const tell = (event: HistoryEvent): void => void history.events.push(event)
  const count = (fault: string): void => {
    history.faults[fault] = (history.faults[fault] ?? 0) + 1
  }
  const disk = createDisk(time, { committed: applied => tell({ kind: 'commit', time: time.now(), applied }) })
  const parties = new Map<Sender, Party>()
  const party = (sender: Sender): Party => parties.get(sender) ?? { name: sender.name, honest: false }
  const newSender = (name: string, honest: boolean): Sender & { weather: Weather } => {
    const sender = { name, weather: fairWeather(), ip: `192.0.2.${1 + parties.size}` }
    parties.set(sender, { name, honest })
    return sender
  }
  const rotation = plan.refreshKeyRotation
  const nodes = Array.from({ length: plan.nodes }, (_, index) =>
    createNodeProcess(
      {
        disk,
        time,
        dice,
        clients,
        keyPolicy: rotation > 0 ? { ...defaultKeyPolicy, refreshRotationSeconds: rotation } : defaultKeyPolicy,
        wrapStore: breakage?.wrapStore?.(() => self, index),
        intake: breakage?.intake && (request => breakage.intake?.(self)(request) ?? request),
        judgeRefresh: breakage?.judgeRefresh && (node => breakage.judgeRefresh?.(self, node)),
        onRefresh: ({ row }) => {
          history.rows[row] = (history.rows[row] ?? 0) + 1
        },
        onFailure: (node, error) => {
          const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
          tell({ kind: 'failure', time: time.now(), text: `${node}: ${text}` })
        },
        count,
        untold: node => tell({ kind: 'untold', time: time.now(), node }),
      },
      `node ${index + 1}`,
    ),
  )
  const observe = observer({ time, disk, party, tell })
  const network = createNetwork({ time, dice: dice.fork('network'), nodes, count, observe })
  const users = new Map<string, User>()
  const devices = new Map<string, Device>()
  const plains = new Map<string, PlainClient>()
  const applications = new Map<string, Application>()
  const apis: Api[] = []
  const self: World = {
    plan,
    time,
    dice,
    disk,
    nodes,
    network,
    devices,
    plains,
    applications,
    apis,
    thieves: new Map(),
    users,
    history,
    party,
    sender: newSender,
    tell,
    count,
  }

  for (const node of nodes) void node.start()
  for (const name of new Set([...plan.devices, ...plan.plains].map(({ user }) => user))) {
    users.set(name, await createUser(self, name))
  }
  for (let index = 0; index < plan.apis; index++) apis.push(openApi(self, index, breakage))
  for (const spec of plan.devices) devices.set(spec.name, openDevice(self, spec, breakage))
  for (const spec of plan.plains) {
    const plain = openPlain(self, spec)
    plains.set(spec.name, plain)
    if (clientsThatAsk.has(spec.clientId)) applications.set(spec.name, openApplication(self, spec, plain))
  }
  await time.run(3_000)
  return self
}

async function createUser({ disk, dice }: World, name: string): Promise<User> {
  const random = dice.fork(`user ${name}`)
  const user = newUser({
    id: makeId(epoch, random.bytes),
    email: `${name}@example.org`,
    name,
    passwordHash: `plain ${passwordOf(name)}`,
    createdAt: epoch,
    sealSalt: random.bytes(16),
  })
  const audit = [{ event: 'user.created' as const, time: epoch, userId: user.id }]
  await disk.commit({ writes: [{ table: 'user', row: user }], audit, entries: [], durable: true, time: epoch }, 'setup')
  return user
}

function openApi(world: World, index: number, breakage: Breakage | undefined): Api {
  const { time, dice, tell, count } = world
  const name = `api ${index + 1}`
  const sender = world.sender(name, true)
  const whenStale = dice.fork(`${name} policy`).pick(['accept', 'introspect', 'reject'] as const)
  const onJudgement = (judgement: Parameters<Parameters<typeof createApi>[0]['onJudgement']>[0]): void =>
    tell({ kind: 'judgement', time: time.now(), judgement })
  const network = breakage?.apiNetwork?.(world) ?? world.network
  return createApi(
    { time, dice, network, count, onJudgement, arrive: breakage?.apiMessage?.(world) },
    name,
    sender,
    whenStale,
  )
}

function openDevice(world: World, spec: Plan['devices'][number], breakage: Breakage | undefined): Device {
  const { time, dice, tell } = world
  const sender = world.sender(spec.name, true)
  const network = breakage?.deviceNetwork?.(world) ?? world.network
  const device = createDevice(
    {
      time,
      dice,
      network,
      callApi: (from, init) => callApi(world, from, init),
      onState: (owner, tab, state) => {
        if (state.status !== 'signedOut') return
        const familyId = lastFamily.get(owner)
        tell({ kind: 'signed out', time: time.now(), party: world.party(owner.sender), reason: state.reason, familyId })
        void tab
      },
    },
    spec,
    sender,
  )
  const lastFamily = new Map<Device, string>()
  for (let index = 0; index < spec.tabs; index++) device.open(index)
  return device
}

function openPlain(world: World, spec: Plan['plains'][number]): PlainClient {
  const { time, network, tell } = world
  const sender = world.sender(spec.name, true)
  const secret = clientSecrets[spec.clientId]
  const credentials = { clientId: spec.clientId, ...(secret !== undefined && { secret }) }
  const onEnded = (client: PlainClient, reason: string): void => {
    const familyId = readRefreshToken(client.refreshToken)?.familyId
    tell({ kind: 'signed out', time: time.now(), party: world.party(sender), reason, familyId })
  }
  return createPlainClient({ time, network, onEnded }, credentials, sender, spec)
}

function openApplication(world: World, spec: Plan['plains'][number], plain: PlainClient): Application {
  const { time, dice, network, tell, users } = world
  const { user, clientId } = spec
  const onAllow = (): void =>
    tell({ kind: 'allowed', time: time.now(), user, userId: users.get(user)?.id ?? '', clientId })
  const person = { time, network, dice: dice.fork(`${spec.name} browser`), onAllow }
  const browser = createBrowser(person, plain.sender, user)
  return createApplication({ time, network, dice: dice.fork(`${spec.name} codes`) }, plain, browser, spec)
}

/** A call to the API: a third of a second of work if there is one, and a nod if there is none in this world. */
export async function callApi(world: World, from: Sender, init: RequestInit): Promise<Response> {
  const { time, apis } = world
  await time.sleep(20)
  if (from.weather.offline) throw new TypeError('fetch failed')
  const headers = new Headers(init.headers)
  const token = /^(?:Bearer|DPoP) (.+)$/.exec(headers.get('authorization') ?? '')?.[1]
  const api = apis[Math.floor(time.now()) % Math.max(1, apis.length)]
  if (api === undefined || token === undefined) return new Response(null, { status: 204 })
  const verdict = await api.judge(world.party(from), token, headers.get('dpop') ?? undefined)
  if (verdict === 'accepted' || verdict === 'accepted as stale') return new Response(null, { status: 204 })
  const status = verdict === 'revocations_stale' || verdict === 'keys_unavailable' ? 503 : 401
  return new Response(null, { status, headers: { [reasonHeader]: verdict } })
}

/** Writes down what goes in and out of the endpoints that give tokens. */
function observer(world: Pick<World, 'time' | 'disk' | 'party' | 'tell'>) {
  const { time, disk, party, tell } = world
  return (from: Sender, request: HttpRequest, node: NodeProcess) => {
    const arrivedAt = time.now()
    const storeArrivedAt = disk.now()
    const givesTokens =
      request.method === 'POST' && /^\/(token|v1\/(trusted\/)?sessions|v1\/password)$/.test(request.path)
    return (answer: HttpAnswer): void => {
      if (!givesTokens) return
      const body = (typeof answer.body === 'string' && answer.body !== '' ? JSON.parse(answer.body) : {}) as Record<
        string,
        string
      >
      const form = new URLSearchParams(request.body)
      const row = answer.headers['countersign-refresh-row']
      const exchange = {
        party: party(from),
        node: node.name,
        path: request.path,
        arrivedAt,
        storeArrivedAt,
        presented: readRefreshToken(form.get('refresh_token') ?? undefined),
        code: hashOf(form.get('code')),
        answeredAt: time.now(),
        status: answer.status,
        row: row === undefined ? undefined : Number(row),
        reason: answer.status < 300 ? undefined : (body.reason as Reason),
        given: readRefreshToken(body.refresh_token),
        claims: body.access_token === undefined ? undefined : readAccessToken(body.access_token).claims,
      }
      tell({ kind: 'exchange', time: time.now(), exchange })
    }
  }
}

/** Codes are known by their hashes, as in the store. */
function hashOf(code: string | null): string | undefined {
  return code === null ? undefined : hashCode(code)
}
