import { StoreUnavailable } from '@countersign/store'
import { ringRegisterContract } from '@countersign/store/ring-register-contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseEtcdUrl } from './etcd-url.ts'
import { type EtcdRegisterOptions, openEtcdRegister } from './open-etcd-register.ts'
import { type EtcdProcess, startEtcd } from './testing/etcd-server.ts'

let etcd: EtcdProcess
beforeAll(async () => {
  etcd = await startEtcd()
})
afterAll(() => etcd.discard())

let places = 0
function placeOf(port: number): EtcdRegisterOptions {
  const servers = [{ host: '127.0.0.1', port }]
  const path = `/test-${++places}/keys`
  return {
    servers,
    path,
    credentials: undefined,
    isSecure: false,
    answerMilliseconds: 20_000,
    patienceMilliseconds: 20,
  }
}

describe('etcd', () => {
  ringRegisterContract(
    { describe, test, expect },
    {
      server: () => etcd,
      open(waits) {
        const place = { ...placeOf(etcd.port), ...(waits === 'shortly' && { answerMilliseconds: 1_000 }) }
        return [openEtcdRegister(place), openEtcdRegister(place)]
      },
    },
  )
})

test('is found at any server that answers, whichever of them do not', async () => {
  const [place, nowhere] = [placeOf(etcd.port), { host: '127.0.0.1', port: 1 }]
  for (const chance of [0, 0.4, 0.8]) {
    const register = openEtcdRegister({ ...place, servers: [nowhere, ...place.servers, nowhere], chance })
    expect(await register.read()).toBeUndefined()
  }
  const lost = openEtcdRegister({ ...place, servers: [nowhere, nowhere] })
  await expect(lost.read()).rejects.toThrow(StoreUnavailable)
})

test('with users: who has the right reads and writes, also after its token has run out; nobody else does, and no password is told', async () => {
  const own = await startEtcd()
  try {
    const ask = (path: string, body: object) =>
      fetch(`http://127.0.0.1:${own.port}${path}`, { method: 'POST', body: JSON.stringify(body) })
    await ask('/v3/auth/user/add', { name: 'root', password: 'secret word' })
    await ask('/v3/auth/role/add', { name: 'root' })
    await ask('/v3/auth/user/grant', { user: 'root', role: 'root' })
    await ask('/v3/auth/user/add', { name: 'guest', password: 'guest word' })
    await ask('/v3/auth/enable', {})
    const place = placeOf(own.port)
    const owner = openEtcdRegister({ ...place, credentials: 'root:secret word' })
    expect(await owner.replace('sealed', undefined)).toBe('committed')
    // Its tokens are forgotten with it.
    await own.kill()
    await own.start()
    await owner.read().catch(() => undefined)
    expect((await owner.read())?.text).toBe('sealed')
    for (const credentials of [undefined, 'root:another word', 'guest:guest word', 'nobody:word']) {
      const stranger = openEtcdRegister({ ...place, credentials })
      for (const outcome of await Promise.allSettled([stranger.read(), stranger.replace('x', '1')])) {
        const { reason } = outcome as PromiseRejectedResult
        expect(reason).toBeInstanceOf(StoreUnavailable)
        expect(`${reason.message} ${reason.cause}`).not.toMatch(/word/)
      }
    }
    await owner.close()
  } finally {
    await own.discard()
  }
})

test('an address says servers, user, key and whether by TLS', () => {
  expect(parseEtcdUrl('etcd://one,[::1]:1/a/b')).toEqual({
    servers: [
      { host: 'one', port: 2379 },
      { host: '::1', port: 1 },
    ],
    path: '/a/b',
    credentials: undefined,
    isSecure: false,
  })
  expect(parseEtcdUrl('etcds://me:p%40ss@one')).toMatchObject({
    path: '/countersign/keys',
    credentials: 'me:p@ss',
    isSecure: true,
  })
  for (const wrong of ['etcd://', 'etcd:///keys', 'etcd://me@one/keys', 'zookeeper://one/keys', 'etcd://one/keys/']) {
    expect(parseEtcdUrl(wrong)).toBeUndefined()
  }
})
