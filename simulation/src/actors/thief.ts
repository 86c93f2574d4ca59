import { createPrivateKey } from 'node:crypto'
import { deriveKey, deriveRefreshToken, signerOf, signJws, unseal } from '@countersign/core'
import type { HttpRequest } from '@countersign/server'
import type { Loot } from '../plan/plan.ts'
import { apiSecret } from '../world/clients.ts'
import { masterKey } from '../world/node.ts'
import type { Thief, World } from '../world/world.ts'
import { type Application, redemption } from './application.ts'
import { createDevice, type Device, refreshTokenOf } from './device.ts'
import { basic, createPlainClient, type PlainClient, type RetryHabits, refreshRequest } from './plain-client.ts'

const habits: RetryHabits = { patience: 10_000, pauses: [2_000] }

/** Copies what it can reach at this moment; `undefined` if there is nothing to be had. */
export function steal(world: World, victim: string, tab: number, loot: Loot, name: string): Thief | undefined {
  const device = world.devices.get(victim)
  const plain = world.plains.get(victim)
  const session = device?.stored(tab)
  const live = session !== undefined && !('ended' in session) ? session : undefined
  const refreshToken = live ? refreshTokenOf(live) : plain?.refreshToken
  const clientId = device?.spec.clientId ?? plain?.credentials.clientId ?? ''
  const familyId = live || plain ? familyIdOf(refreshToken) : undefined
  const thief = (act: Thief['act']): Thief => ({ name, loot, victim, familyId, act })
  switch (loot) {
    case 'token': {
      if (refreshToken === undefined) return undefined
      const own = plainThief(world, name, plain?.credentials ?? { clientId }, refreshToken)
      return thief(async () => void (await own.refresh()))
    }
    case 'request': {
      const sender = device?.sender ?? plain?.sender
      if (sender === undefined || refreshToken === undefined) return undefined
      return thief(requestThief(world, name, sender))
    }
    case 'profile': {
      if (device === undefined || live === undefined) return undefined
      const own = profileThief(world, name, device, tab)
      return thief(async () => void (await own.tabs[0]?.app.refresh()))
    }
    case 'page':
      if (device === undefined) return undefined
      return thief(async () => void (await device.token(tab)))
    case 'code': {
      const application = world.applications.get(victim)
      if (application === undefined || plain === undefined) return undefined
      return thief(codeThief(world, name, application, plain))
    }
    case 'database':
      return thief(() => presentForged(world, name, { clientId, familyId, knows: 'salt' }))
    case 'refresh key':
      return thief(() => presentForged(world, name, { clientId, familyId, knows: 'key' }))
    case 'signing key':
      return thief(() => useForgedToken(world, name, familyId))
  }
}

function familyIdOf(refreshToken: string | undefined): string | undefined {
  return refreshToken && Buffer.from(refreshToken.slice(6), 'base64url').toString('base64url', 3, 19)
}

function plainThief(
  world: World,
  name: string,
  credentials: PlainClient['credentials'],
  refreshToken: string,
): PlainClient {
  const { time, network } = world
  const own = createPlainClient({ time, network, onEnded: () => {} }, credentials, world.sender(name, false), habits)
  own.refreshToken = refreshToken
  return own
}

/** Listens on the line, and sends again what went by, once at each node. */
function requestThief(world: World, name: string, victim: { tap?: ((request: HttpRequest) => void) | undefined }) {
  const sender = world.sender(name, false)
  let captured: HttpRequest | undefined
  victim.tap = request => {
    if (request.path === '/token') captured = request
  }
  return async (): Promise<void> => {
    if (captured === undefined) return
    const request = captured
    await Promise.all(world.nodes.map(node => world.network.send(sender, request, node).catch(() => {})))
  }
}

/**
 * Reads the codes in the address bar, and presents each at once, and the last one again later. The verifier he does not know: he guesses,
 * three times, which burns no code.
 */
function codeThief(world: World, name: string, victim: Application, { credentials }: PlainClient): Thief['act'] {
  const sender = world.sender(name, false)
  const dice = world.dice.fork(name)
  let guesses = 3
  const present = async (code: string): Promise<void> => {
    const code_verifier = dice.bytes(32).toString('base64url')
    await world.network.send(sender, redemption(credentials, { code, code_verifier }, sender.ip)).catch(() => {})
  }
  victim.tap = code => {
    guesses = 2
    void present(code)
  }
  return async () => {
    const code = victim.held()?.code
    if (code !== undefined && guesses-- > 0) await present(code)
  }
}

/** The same browser somewhere else: the SDK with a copy of the record, the key in it. */
function profileThief(world: World, name: string, victim: Device, tab: number): Device {
  const { time, dice, network } = world
  const spec = { ...victim.spec, name, tabs: 1, shared: true, locks: false }
  const copy = createDevice(
    { time, dice, network, callApi: async () => new Response(null, { status: 204 }), onState: () => {} },
    spec,
    world.sender(name, false),
  )
  const [record] = copy.records
  if (record) record.session = victim.stored(tab)
  copy.open(0)
  return copy
}

/** With the database alone the key is missing, with the key alone the salt: both are guessed. */
async function presentForged(
  world: World,
  name: string,
  forged: { clientId: string; familyId: string | undefined; knows: 'salt' | 'key' },
): Promise<void> {
  const { familyId, clientId, knows } = forged
  const found = familyId === undefined ? undefined : await world.disk.engine().loadFamily(familyId)
  if (found === undefined) return
  const { family } = found
  const dice = world.dice.fork(name)
  const key = knows === 'key' ? deriveKey(masterKey, 'refresh key 1') : dice.bytes(32)
  const salt = knows === 'salt' ? family.salt : dice.bytes(16)
  const sender = world.sender(name, false)
  for (const generation of [family.generation, family.generation + 1]) {
    const token = deriveRefreshToken({ id: 1, key }, { id: family.id, salt, generation })
    await world.network.send(sender, refreshRequest({ clientId }, token, sender.ip)).catch(() => {})
  }
}

/** A stolen signing key makes tokens whose signature is right. Introspection must not believe them. */
async function useForgedToken(world: World, name: string, familyId: string | undefined): Promise<void> {
  const { keyRing } = await world.disk.engine().loadIssuer()
  const active = keyRing.signing.find(({ state }) => state === 'active')
  const der = active && unseal(deriveKey(masterKey, 'key ring 1'), active.kid, active.sealedPrivate ?? '')
  const known = familyId === undefined ? undefined : lastClaimsOf(world, familyId)
  if (active === undefined || der === undefined || known === undefined) return
  const signer = signerOf(
    active.kid,
    active.alg,
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
    'at+jwt',
  )
  const seconds = known.exp - known.iat
  const iat = Math.floor(world.disk.now() / 1000)
  const jti = world.dice.fork(name).bytes(28).toString('base64url')
  const token = signJws(signer, { ...known, iat, exp: iat + seconds, jti })
  const sender = world.sender(name, false)
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: basic('api', apiSecret),
  }
  const body = new URLSearchParams({ token }).toString()
  const request = { method: 'POST', path: '/introspect', query: '', params: {}, body, ip: sender.ip }
  const answer = await world.network.send(sender, { ...request, header: one => headers[one] }).catch(() => undefined)
  const active_ = answer?.status === 200 && (JSON.parse(String(answer.body)) as { active: boolean }).active
  if (active_) world.tell({ kind: 'failure', time: world.time.now(), text: 'introspection believes a forged token' })
}

function lastClaimsOf({ history }: World, familyId: string) {
  for (let index = history.events.length - 1; index >= 0; index--) {
    const event = history.events[index]
    if (event?.kind === 'exchange' && event.exchange.claims?.fam === familyId) return event.exchange.claims
  }
  return undefined
}
