import { declareClient } from '@countersign/core'
import { createMemoryStore, StoreUnavailable } from '@countersign/store'
import { expect, test } from 'vitest'
import { createClientDirectory } from './client-directory.ts'
import { declareClients } from './declare-clients.ts'

const app = declareClient({
  id: 'app',
  name: 'The app',
  redirectUris: ['https://app.example/callback', 'http://127.0.0.1:4401/callback', 'com.example.app:/callback'],
})

function directory() {
  const state = { time: 1_000_000, reads: 0, away: false }
  const clock = (): number => state.time
  const store = createMemoryStore({ clock, sealPersonal: () => null, seed: { incarnation: 'a1' } })
  const knowsWebOrigin = async (origin: string): Promise<boolean> => {
    state.reads++
    if (state.away) throw new StoreUnavailable('away')
    return store.knowsWebOrigin(origin)
  }
  const listClients = (): never => {
    throw new Error('there may be a hundred thousand')
  }
  return { state, store, clients: createClientDirectory({ ...store, knowsWebOrigin, listClients }, clock) }
}

test('origins are those of web redirect URIs, to the letter', async () => {
  const { store, clients } = directory()
  await declareClients(store, [app])
  expect(await clients.isClientOrigin('https://app.example')).toBe(true)
  expect(await clients.isClientOrigin('http://127.0.0.1:4401')).toBe(true)
  for (const other of [
    'http://127.0.0.1',
    'https://app.example:8443',
    'null',
    'com.example.app:',
    '',
    'HTTPS://app.example',
  ]) {
    expect([other, await clients.isClientOrigin(other)]).toEqual([other, false])
  }
})

test('a loopback redirect URI without a port opens the origins of all ports there, and one with a port its own alone', async () => {
  const { store, clients } = directory()
  await declareClients(store, [{ ...app, redirectUris: ['http://127.0.0.1/', 'http://[::1]:4401/'] }])
  const asked = ['http://127.0.0.1:49152', 'http://127.0.0.1', 'http://[::1]:4401', 'http://[::1]:4402']
  const others = [
    'http://localhost:49152',
    'https://127.0.0.1:49152',
    'http://127.0.0.1:49152.example',
    'http://127.0.0.1:',
  ]
  const answers = await Promise.all([...asked, ...others].map(origin => clients.isClientOrigin(origin)))
  expect(answers).toEqual([true, true, true, false, false, false, false, false])
})

test('many who ask at once share one read, and it is good for five seconds', async () => {
  const { state, store, clients } = directory()
  await declareClients(store, [app])
  await Promise.all(Array.from({ length: 50 }, () => clients.isClientOrigin('https://app.example')))
  expect(state.reads).toBe(1)
  state.time += 5_000
  await clients.isClientOrigin('https://app.example')
  expect(state.reads).toBe(1)
  state.time += 1
  await clients.isClientOrigin('https://app.example')
  expect(state.reads).toBe(2)
})

test('an origin is known as soon as a client has it', async () => {
  const { store, clients } = directory()
  expect(await clients.isClientOrigin('https://app.example')).toBe(false)
  await declareClients(store, [app])
  expect(await clients.isClientOrigin('https://app.example')).toBe(true)
})

test('a client that is switched off has no origin any more', async () => {
  const { state, store, clients } = directory()
  await declareClients(store, [app])
  expect(await clients.isClientOrigin('https://app.example')).toBe(true)
  await declareClients(store, [{ ...app, disabled: true }])
  state.time += 5_001
  expect(await clients.isClientOrigin('https://app.example')).toBe(false)
})

test('with the store away what was known goes on; what was not is a failure, and the next try reads again', async () => {
  const { state, store, clients } = directory()
  await declareClients(store, [app])
  state.away = true
  await expect(clients.isClientOrigin('https://app.example')).rejects.toThrow(StoreUnavailable)
  state.away = false
  expect(await clients.isClientOrigin('https://app.example')).toBe(true)
  state.away = true
  state.time += 60_000
  expect(await clients.isClientOrigin('https://app.example')).toBe(true)
})

test('a client is called by its name, one that is not there by what it was called', async () => {
  const { store, clients } = directory()
  await declareClients(store, [app])
  expect(await clients.nameOf('app')).toBe('The app')
  expect(await clients.nameOf('unknown')).toBe('unknown')
  expect([await clients.knows('app'), await clients.knows('unknown')]).toEqual([true, false])
})
