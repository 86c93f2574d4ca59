import { StoreUnavailable } from '@countersign/store'
import { passwordOf, refreshTokenOf } from '../actors/device.ts'
import { basic, type PlainClient } from '../actors/plain-client.ts'
import { steal } from '../actors/thief.ts'
import { tellStep } from '../history/tell-step.ts'
import type { Step } from '../plan/plan.ts'
import { breakStore } from './break-things.ts'
import { gatewaySecret } from './clients.ts'
import { callApi } from './create-world.ts'
import { fairWeather, type Sender, type Weather } from './network.ts'
import type { World } from './world.ts'

/** Does one step of the plan. What it begins goes on by itself. */
export function act(world: World, step: Step): void {
  const { tell, time } = world
  tell({ kind: isFault(step) ? 'fault' : 'act', time: time.now(), what: step.do, text: tellStep(step) })
  void perform(world, step).catch(error => {
    // Out of reach: whoever did it will hear of it, and come again.
    const isOutOfReach = error instanceof StoreUnavailable || /fetch failed/.test(String(error))
    if (!isOutOfReach) {
      tell({ kind: 'failure', time: time.now(), text: `${tellStep(step)}: ${String((error as Error).stack ?? error)}` })
    }
  })
}

const faults: ReadonlySet<Step['do']> = new Set<Step['do']>([
  'weather',
  'device clock',
  'node clock',
  'store clock',
  'crash node',
  'crash in step',
  'cut store',
  'cut ring',
  'signing fails',
  'slow store',
  'unknown outcomes',
  'disk full',
  'crash store',
  'stale replica',
  'restore',
  'sleep',
  'freeze',
])

function isFault(step: Step): boolean {
  return faults.has(step.do)
}

async function perform(world: World, step: Step): Promise<void> {
  const { time, nodes, count, disk } = world
  switch (step.do) {
    case 'sign in':
      return signIn(world, step.party, step.tab)
    case 'sign out':
      return signOut(world, step.party, step.tab)
    case 'use':
      return use(world, step.party, step.tab)
    case 'refresh':
      await world.devices.get(step.party)?.tabs[step.tab]?.app.refresh()
      await world.plains.get(step.party)?.refresh()
      return
    case 'freeze':
    case 'reopen':
    case 'wake':
      return changeTab(world, step.do, step.party, step.tab)
    case 'weather':
      return changeWeather(world, step.party, step.weather, step.for)
    case 'device clock': {
      count('device clock jumps')
      const device = world.devices.get(step.party)
      if (device) device.clockError += step.by
      return
    }
    case 'node clock': {
      count('node clock jumps')
      const node = nodes[step.node]
      if (node) node.clockError += step.by
      return
    }
    case 'store clock':
      count('store clock jumps')
      disk.clockError += step.by
      return
    case 'rotate keys':
    case 'retire key':
      return turnKeys(world, step.do)
    case 'end session':
    case 'log out everywhere':
    case 'change password':
      return endByParty(world, step.do, step.party)
    case 'repeat code':
      count('code repeated')
      return world.applications.get(step.party)?.repeatCode()
    case 'take consent back':
      return takeConsentBack(world, step.party)
    case 'end all':
    case 'disable':
    case 'enable':
      return endUser(world, step.do, step.user)
    case 'steal': {
      const thief = steal(world, step.party, step.tab, step.loot, step.thief)
      if (thief) world.thieves.set(step.thief, thief)
      count(`theft of ${step.loot}`)
      return
    }
    case 'thief acts':
      return world.thieves.get(step.thief)?.act()
    default:
      return breakStore(world, step, time)
  }
}

async function use(world: World, party: string, tab: number): Promise<void> {
  const device = world.devices.get(party)
  if (device) {
    await device.tabs[tab]?.app.fetch('https://api.example/notes').catch(() => {})
    return
  }
  const plain = world.plains.get(party)
  const token = await plain?.token()
  if (plain && token) await callWith(world, plain, token)
}

async function callWith(world: World, plain: PlainClient, token: string): Promise<void> {
  await callApi(world, plain.sender, { headers: { authorization: `Bearer ${token}` } })
}

async function signIn(world: World, party: string, tab: number): Promise<void> {
  const device = world.devices.get(party)
  if (device) return device.signIn(tab).catch(() => {})
  const plain = world.plains.get(party)
  const spec = world.plan.plains.find(({ name }) => name === party)
  if (plain === undefined || spec === undefined) return
  const application = world.applications.get(party)
  if (application !== undefined) return application.signIn()
  const answer =
    spec.clientId === 'web'
      ? await postJson(world, plain.sender, '/v1/trusted/sessions', {
          headers: { authorization: basic('gateway', gatewaySecret) },
          body: { client_id: 'web', user: { id: world.users.get(spec.user)?.id } },
        })
      : await postJson(world, plain.sender, '/v1/sessions', {
          body: {
            email: `${spec.user}@example.org`,
            password: passwordOf(spec.user),
            client_id: spec.clientId,
            ...(plain.refreshToken !== undefined && { supersedes: plain.refreshToken }),
          },
        })
  if (answer.status !== 201) return
  const body = answer.body as { access_token: string; refresh_token: string; expires_in: number }
  plain.ended = undefined
  plain.refreshToken = body.refresh_token
  plain.accessToken = body.access_token
  plain.expiresAt = world.time.now() + body.expires_in * 1000
}

async function signOut(world: World, party: string, tab: number): Promise<void> {
  const device = world.devices.get(party)
  if (device) return device.signOut(tab)
  const plain = world.plains.get(party)
  if (plain?.refreshToken === undefined || plain.ended !== undefined) return
  plain.ended = 'signed_out'
  const { clientId, secret } = plain.credentials
  const form = new URLSearchParams({ token: plain.refreshToken, client_id: clientId })
  if (secret !== undefined) form.set('client_secret', secret)
  await post(world, plain.sender, '/revoke', { 'content-type': 'application/x-www-form-urlencoded' }, form.toString())
}

function changeTab(world: World, what: 'freeze' | 'reopen' | 'wake', party: string, index: number): void {
  const device = world.devices.get(party)
  const tab = device?.tabs[index]
  if (device === undefined || tab === undefined) return
  if (what === 'freeze') {
    world.count('tab killed')
    tab.frozen = true
    tab.app.close()
  }
  if (what === 'wake') tab.wake()
  if (what === 'reopen') {
    tab.frozen = true
    tab.app.close()
    device.open(index)
  }
}

function changeWeather(world: World, party: string, weather: Partial<Weather>, length: number): void {
  const sender = senderOf(world, party)
  if (sender === undefined) return
  Object.assign(sender.weather, weather)
  const fair = fairWeather()
  world.time.after(length, () => {
    for (const name of Object.keys(weather) as (keyof Weather)[]) Object.assign(sender.weather, { [name]: fair[name] })
  })
}

function senderOf(world: World, party: string): (Sender & { weather: Weather }) | undefined {
  const api = world.apis.find(({ name }) => name === party)
  return (world.devices.get(party) ?? world.plains.get(party) ?? api)?.sender
}

async function turnKeys(world: World, what: 'rotate keys' | 'retire key'): Promise<void> {
  const node = world.nodes.find(one => one.running())?.running()
  if (node === undefined) return
  if (what === 'rotate keys') {
    await node.admin.rotateKeys().catch(() => {})
    return
  }
  const active = node.admin.listKeys().find(({ use: purpose, state }) => purpose === 'signing' && state === 'active')
  if (active) await node.admin.retireKey(active.id).catch(() => {})
}

async function endByParty(
  world: World,
  what: 'end session' | 'log out everywhere' | 'change password',
  party: string,
): Promise<void> {
  const device = world.devices.get(party)
  const plain = world.plains.get(party)
  const user = device?.spec.user ?? world.plan.plains.find(({ name }) => name === party)?.user ?? ''
  if (what === 'end session') {
    const session = device?.stored(0)
    const token = session ? refreshTokenOf(session) : plain?.refreshToken
    const familyId = token && Buffer.from(token.slice(6), 'base64url').toString('base64url', 3, 19)
    const found = familyId ? await world.disk.engine().loadFamily(familyId) : undefined
    if (found === undefined) return
    const path = `/v1/trusted/users/${found.user.id}/sessions/${found.session.id}`
    await asGateway(world, path)
    return
  }
  const token = device ? await device.token(0) : await plain?.token()
  const sender = (device ?? plain)?.sender
  if (token === undefined || sender === undefined) return
  if (what === 'log out everywhere') {
    await post(world, sender, '/v1/sessions', { authorization: `Bearer ${token}` }, '', 'DELETE')
    return
  }
  const body = { current_password: passwordOf(user), new_password: passwordOf(user) }
  await postJson(world, sender, '/v1/password', { headers: { authorization: `Bearer ${token}` }, body })
}

async function endUser(world: World, what: 'end all' | 'disable' | 'enable', name: string): Promise<void> {
  const user = world.users.get(name)
  if (user === undefined) return
  if (what === 'end all') return asGateway(world, `/v1/trusted/users/${user.id}/sessions`)
  const node = world.nodes.find(one => one.running())?.running()
  await (what === 'disable' ? node?.admin.disableUser(user.id) : node?.admin.enableUser(user.id))?.catch(() => {})
}

/** The user takes back what they have allowed the application; somebody at the help desk does it for them. */
async function takeConsentBack(world: World, party: string): Promise<void> {
  const spec = world.plan.plains.find(({ name }) => name === party)
  const user = spec && world.users.get(spec.user)
  if (user) await asGateway(world, `/v1/trusted/users/${user.id}/grants/${spec.clientId}`)
}

const gatewaySenders = new WeakMap<World, Sender>()

async function asGateway(world: World, path: string): Promise<void> {
  const sender = gatewaySenders.get(world) ?? world.sender('operator', true)
  gatewaySenders.set(world, sender)
  await post(world, sender, path, { authorization: basic('gateway', gatewaySecret) }, '', 'DELETE')
}

type Headers = Readonly<Record<string, string>>

async function postJson(world: World, from: Sender, path: string, more: { headers?: Headers; body: object }) {
  const headers = { 'content-type': 'application/json', ...more.headers }
  return post(world, from, path, headers, JSON.stringify(more.body))
}

async function post(
  world: World,
  from: Sender,
  path: string,
  headers: Headers,
  body: string,
  method = 'POST',
): Promise<{ status: number; body: object }> {
  const header = (name: string): string | undefined => headers[name]
  const request = { method, path, query: '', params: {}, header, body, ip: from.ip }
  const answer = await world.network.send(from, request)
  return { status: answer.status, body: answer.body ? (JSON.parse(String(answer.body)) as object) : {} }
}
