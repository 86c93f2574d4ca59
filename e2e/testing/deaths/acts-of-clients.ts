import { declareClient } from '@countersign/core'
import { expect } from 'vitest'
import { declareClients } from '../../../packages/server/src/clients/declare-clients.ts'
import {
  type Answer,
  authorization,
  basic,
  bearer,
  call,
  get,
  introspect,
  postForm,
  postJson,
} from '../../../packages/server/src/testing/calls.ts'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { isDone } from './operate.ts'
import { asBackEnd, documents } from './sites.ts'

const redirect_uris = ['https://new.example/callback']
let made = 0
const newId = (): string => `client-${++made}`

async function registered(beside: GivenServer) {
  const { body } = await postJson(beside, '/register', { redirect_uris, client_name: 'New' })
  return { id: String(body.client_id), token: String(body.registration_access_token) }
}

const machine = {
  authentication_method: 'client_secret_basic',
  grant_types: ['client_credentials'],
  scopes: ['notes'],
} as const

/** A service with a secret and a token. */
async function service(beside: GivenServer) {
  const id = newId()
  const { body } = await postJson(beside, '/v1/admin/clients', { id, ...machine }, asBackEnd)
  const secret = String(body.client_secret)
  const minted = await mint(beside, id, secret)
  return { id, secret, accessToken: String(minted.body.access_token) }
}

const mint = (to: GivenServer, id: string, secret: string): Promise<Answer> =>
  postForm(to, '/token', { grant_type: 'client_credentials' }, basic(id, secret))

/** Applications come, change, and go. */
export const actsOfClients: readonly DeadlyAct[] = [
  act({
    name: 'a registration of an application',
    prepare: async () => ({ id: '', token: '' }),
    async act(dying, prepared) {
      const answer = await postJson(dying, '/register', { redirect_uris, client_name: 'New' })
      prepared.id = String(answer.body.client_id)
      prepared.token = String(answer.body.registration_access_token)
      return isAnswered(answer)
    },
    async judge(beside, { id, token }, { isDone: isHeard }) {
      // One that nobody has heard of is used by nobody, and forgotten after a day.
      if (isHeard) expect((await get(beside, `/register/${id}`, bearer(token))).status).toBe(200)
    },
  }),
  act({
    name: 'a change of a registration, and of its token',
    prepare: registered,
    async act(dying, { id, token }) {
      const payload = JSON.stringify({ client_id: id, redirect_uris, client_name: 'Newer' })
      const headers = { 'content-type': 'application/json', ...bearer(token) }
      return isAnswered(await call(dying, { method: 'PUT', url: `/register/${id}`, payload, headers }))
    },
    async judge(beside, { id, token }) {
      // The token of before is good until the new one has been used: whoever never heard of it is not locked out.
      const { status, body } = await get(beside, `/register/${id}`, bearer(token))
      expect([status, body.client_name]).toEqual([200, 'Newer'])
    },
  }),
  act({
    name: 'a registration whose new token is used, so that the one before is over',
    async prepare(beside) {
      const { id, token } = await registered(beside)
      const payload = JSON.stringify({ client_id: id, redirect_uris })
      const headers = { 'content-type': 'application/json', ...bearer(token) }
      const { body } = await call(beside, { method: 'PUT', url: `/register/${id}`, payload, headers })
      return { id, old: token, token: String(body.registration_access_token) }
    },
    act: async (dying, { id, token }) => isAnswered(await get(dying, `/register/${id}`, bearer(token))),
    async judge(beside, { id, old, token }) {
      expect((await get(beside, `/register/${id}`, bearer(old))).status).toBe(401)
      expect((await get(beside, `/register/${id}`, bearer(token))).status).toBe(200)
    },
  }),
  act({
    name: 'an end of a registration',
    prepare: registered,
    async act(dying, { id, token }) {
      return isAnswered(await call(dying, { method: 'DELETE', url: `/register/${id}`, headers: bearer(token) }))
    },
    async judge(beside, { id, token }) {
      expect((await get(beside, `/register/${id}`, bearer(token))).status).toBe(401)
      expect((await get(beside, authorization({ client_id: id }).path)).headers.location).toBeUndefined()
    },
  }),
  act({
    name: 'an application that describes itself, seen for the first time',
    async prepare() {
      const id = `https://${newId()}.example.org/client.json`
      const redirect_uri = 'http://127.0.0.1/callback'
      documents.set(id, { client_id: id, client_name: 'An app', redirect_uris: [redirect_uri] })
      return { path: authorization({ client_id: id, redirect_uri }).path }
    },
    act: async (dying, { path }) => isAnswered(await get(dying, path)),
    async judge(beside, { path }) {
      expect((await get(beside, path)).headers.location).toMatch(/^\/sign-in/)
    },
  }),
  act({
    name: 'a client that an operator makes',
    prepare: async () => ({ id: newId() }),
    act: async (dying, { id }) => isAnswered(await postJson(dying, '/v1/admin/clients', { id, ...machine }, asBackEnd)),
    async judge(beside, { id }) {
      // Its secret was in the answer that may be lost: another is had without it.
      const { body } = await postJson(beside, `/v1/admin/clients/${id}/secrets`, {}, asBackEnd)
      expect((await mint(beside, id, String(body.client_secret))).status).toBe(200)
    },
  }),
  act({
    name: 'a new secret of a client',
    prepare: service,
    act: async (dying, { id }) => isAnswered(await postJson(dying, `/v1/admin/clients/${id}/secrets`, {}, asBackEnd)),
    async judge(beside, { id, secret }) {
      // Whoever never heard the new one goes on with the old one, and asks once more.
      expect((await mint(beside, id, secret)).status).toBe(200)
      const { body } = await postJson(beside, `/v1/admin/clients/${id}/secrets`, {}, asBackEnd)
      expect((await mint(beside, id, String(body.client_secret))).status).toBe(200)
    },
  }),
  act({
    name: 'an end of all that a client was given',
    prepare: service,
    async act(dying, { id }) {
      const url = `/v1/admin/clients/${id}/revoke`
      return isAnswered(await call(dying, { method: 'POST', url, headers: asBackEnd }))
    },
    async judge(beside, { id, secret, accessToken }) {
      expect((await introspect(beside, accessToken)).body.active).toBe(false)
      expect((await mint(beside, id, secret)).status).toBe(200)
    },
  }),
  act({
    name: 'a client that is removed',
    prepare: service,
    async act(dying, { id }) {
      const url = `/v1/admin/clients/${id}`
      return isAnswered(await call(dying, { method: 'DELETE', url, headers: asBackEnd }))
    },
    async judge(beside, { id, secret, accessToken }) {
      expect((await introspect(beside, accessToken)).body.active).toBe(false)
      expect((await mint(beside, id, secret)).status).toBe(401)
    },
  }),
  act({
    name: 'a start with other clients than before',
    prepare: async () => ({ ids: [newId(), newId()] }),
    act(dying, { ids }) {
      const declared = ids.map(id => declareClient({ id, lifetimes: livingLonger() }))
      return isDone(declareClients(dying.server.services.store, declared))
    },
    async judge(beside, { ids }) {
      // The next start of any node does the rest.
      await declareClients(
        beside.server.services.store,
        ids.map(id => declareClient({ id })),
      )
      const lives = await Promise.all(ids.map(async id => (await beside.store.loadClient(id))?.client.lifetimes))
      expect(lives.map(one => one?.accessTokenSeconds)).toEqual([900, 900])
    },
  }),
  act({
    name: 'a start that switches off what is declared no more',
    async prepare(beside) {
      const [one, other] = [declareClient({ id: newId() }), declareClient({ id: newId() })]
      await declareClients(beside.server.services.store, [one, other])
      const stay = (await beside.store.listClients({ origin: 'declared', limit: 200 })).filter(
        ({ id }) => id !== one.id && id !== other.id,
      )
      return { gone: [one.id, other.id], stay }
    },
    act: (dying, { stay }) => isDone(declareClients(dying.server.services.store, stay, { areComplete: true })),
    async judge(beside, { gone, stay }) {
      await declareClients(beside.server.services.store, stay, { areComplete: true })
      for (const id of gone) expect((await beside.store.loadClient(id))?.client.disabled).toBe(true)
      expect((await beside.store.loadClient('app'))?.client.disabled).toBe(false)
    },
  }),
]

let seconds = 900
/** Each start names a longer life than the one before, which is written down with the clients. */
function livingLonger() {
  return { ...declareClient({ id: 'usual' }).lifetimes, accessTokenSeconds: ++seconds }
}
