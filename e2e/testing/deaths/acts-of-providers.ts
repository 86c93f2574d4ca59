import { createHmac } from 'node:crypto'
import { expect } from 'vitest'
import { browser } from '../../../packages/server/src/testing/browser.ts'
import { get, postForm, postJson } from '../../../packages/server/src/testing/calls.ts'
import { pathOf, signInWith } from '../../../packages/server/src/testing/connected.ts'
import { client as ofProviders } from '../../../packages/server/src/testing/upstreams/upstream.ts'
import { act, type DeadlyAct, type DyingNodes, isAnswered } from './dying.ts'
import { onNode, signedIn } from './people.ts'
import { backFromProvider, newPerson, wayOn } from './provider-visits.ts'
import { asBackEnd } from './sites.ts'

/** What comes of a sign-in with a provider, by its first step alone or by both. */
async function expectUser(nodes: DyingNodes, sub: string, isThere: boolean): Promise<void> {
  const { beside, around } = nodes
  const { user } = await beside.store.loadUserByIdentity('work', sub)
  expect(user !== undefined).toBe(isThere)
  // Who starts again comes in, as the same.
  expect((await signInWith(beside, around.work, 'work')).headers.location).toBe('/account')
  const again = await beside.store.loadUserByIdentity('work', sub)
  if (isThere) expect(again.user?.id).toBe(user?.id)
  expect(await beside.store.listIdentities(again.user?.id ?? '')).toHaveLength(1)
}

/** Sign-in with others: ways in, their tokens, and what they tell. */
export const actsOfProviders: readonly DeadlyAct[] = [
  act({
    name: 'a sign-in with a provider that begins',
    async prepare(beside, nodes) {
      newPerson(nodes)
      return { page: browser(beside), location: '' }
    },
    async act(dying, prepared) {
      const page = onNode(dying, prepared.page)
      const answer = await page.get('/connections/work?return_to=/account')
      prepared.location = String(answer.headers.location)
      for (const [name, value] of page.jar) prepared.page.jar.set(name, value)
      return isAnswered(answer)
    },
    async judge(_beside, { page, location }, { isDone: isHeard }, { around }) {
      if (!isHeard) return
      expect((await page.get(pathOf(await around.work.visit(location)))).headers.location).toBe('/account')
    },
  }),
  act({
    name: 'a first sign-in with a provider: the way back, then user, identity and session',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const page = browser(beside)
      return { sub, page, back: await backFromProvider(nodes, page) }
    },
    act: async (dying, { page, back }) => isAnswered(await onNode(dying, page).get(back)),
    judge: (_beside, { sub }, { commits }, nodes) => expectUser(nodes, sub, commits === 2),
  }),
  act({
    name: 'a first sign-in with an ID token of a provider',
    async prepare(_beside, nodes) {
      const { sub } = newPerson(nodes)
      return { sub, id_token: await nodes.around.work.idToken({ jti: sub }) }
    },
    async act(dying, { id_token }) {
      const body = { connection: 'work', client_id: 'bearer-app', id_token }
      return isAnswered(await postJson(dying, '/v1/sessions/connection', body))
    },
    judge: (_beside, { sub }, _left, nodes) => expectUser(nodes, sub, true),
  }),
  act({
    name: 'a way to sign in that is added: the way back, then the identity',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const somebody = await signedIn(beside)
      const way = await wayOn(somebody.page, '/account/connections')
      return { ...somebody, sub, back: await backFromProvider(nodes, somebody.page, way) }
    },
    act: async (dying, { page, back }) => isAnswered(await onNode(dying, page).get(back)),
    async judge(beside, { id, sub, page }, { commits }, nodes) {
      if (commits === 1) {
        await page.get(await backFromProvider(nodes, page, await wayOn(page, '/account/connections')))
      }
      expect((await beside.store.loadUserByIdentity('work', sub)).user?.id).toBe(id)
    },
  }),
  act({
    name: 'a way to sign in that is taken off',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const somebody = await signedIn(beside)
      const way = await wayOn(somebody.page, '/account/connections')
      await somebody.page.get(await backFromProvider(nodes, somebody.page, way))
      return { ...somebody, sub }
    },
    async act(dying, { page, sub }) {
      const fields = { command: 'unlink', connection: 'work', subject: sub }
      return isAnswered(await onNode(dying, page).submit('/account/connections', fields))
    },
    async judge(beside, { id }) {
      expect(await beside.store.listIdentities(id)).toEqual([])
    },
  }),
  act({
    name: 'a provider’s token that is renewed: who does it, then the new one',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      await signInWith(beside, nodes.around.work, 'work')
      const { user } = await beside.store.loadUserByIdentity('work', sub)
      await beside.later(300)
      const { asked } = nodes.around.work
      return { url: `/v1/trusted/users/${user?.id}/connections/work/token`, asked, before: asked.length }
    },
    act: async (dying, { url }) => isAnswered(await get(dying, url, asBackEnd)),
    async judge(beside, { url, asked, before }, { commits }, nodes) {
      if (commits === 2) return void expect((await get(beside, url, asBackEnd)).status).toBe(200)
      // Whoever died had the turn; after half a minute it is somebody else's.
      expect((await get(beside, url, asBackEnd)).status).toBe(503)
      await beside.later(31)
      const { status, body } = await get(beside, url, asBackEnd)
      if (asked.length === before + 1) expect(status).toBe(200)
      else {
        // The provider had given a new one, which nobody has: it says so, and the next sign-in brings another.
        expect([status, body.reason]).toEqual([404, 'provider_token_missing'])
        await signInWith(beside, nodes.around.work, 'work')
        expect((await get(beside, url, asBackEnd)).status).toBe(200)
      }
    },
  }),
  act({
    name: 'a notice of a provider, which ends everything of a user and forgets its tokens',
    async prepare(beside, nodes) {
      newPerson(nodes)
      await signInWith(beside, nodes.around.facebook, 'facebook')
      const { id } = nodes.around.facebook.person
      const issued_at = Math.floor(beside.now() / 1000)
      const told = JSON.stringify({ user_id: id, algorithm: 'HMAC-SHA256', issued_at })
      const payload = Buffer.from(told).toString('base64url')
      const signature = createHmac('sha256', ofProviders.secret).update(payload).digest('base64url')
      return { id: String(id), notice: { signed_request: `${signature}.${payload}` } }
    },
    act: async (dying, { notice }) => isAnswered(await postForm(dying, '/connections/facebook/notices', notice)),
    async judge(beside, { id, notice }, _left, nodes) {
      const { user, identity } = await beside.store.loadUserByIdentity('facebook', id)
      const count = async (): Promise<number> => (await beside.store.listSessions(user?.id ?? '')).length
      expect([await count(), identity?.sealedTokens]).toEqual([0, null])
      // A provider that heard nothing says it again: what was begun since lives.
      await signInWith(beside, nodes.around.facebook, 'facebook')
      expect((await postForm(beside, '/connections/facebook/notices', notice)).status).toBe(202)
      expect(await count()).toBe(1)
    },
  }),
]
