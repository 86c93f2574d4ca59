import { expect } from 'vitest'
import { browser } from '../../../packages/server/src/testing/browser.ts'
import { call, postJson } from '../../../packages/server/src/testing/calls.ts'
import { pathOf } from '../../../packages/server/src/testing/connected.ts'
import { type GivenServer, password } from '../../../packages/server/src/testing/given.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { cameWith, expectSpent, mailedLink } from './mail-links.ts'
import { newAddress, onNode } from './people.ts'
import { backFromProvider, newPerson, wayOn } from './provider-visits.ts'
import { asBackEnd } from './sites.ts'

const invitations = '/v1/trusted/invitations'

async function invited(beside: GivenServer): Promise<{ email: string; id: string; link: string }> {
  const email = newAddress()
  const { body } = await postJson(beside, invitations, { email, delivery: 'link' }, asBackEnd)
  return { email, id: String(body.id), link: pathOf(String(body.link)) }
}

/** Invitations are sent, taken back and accepted. */
export const actsOfInvitations: readonly DeadlyAct[] = [
  act({
    name: 'an invitation by mail',
    async prepare(_beside, nodes) {
      await nodes.emptyOutbox()
      return { email: newAddress() }
    },
    act: async (dying, { email }) => isAnswered(await postJson(dying, invitations, { email }, asBackEnd)),
    async judge(beside, { email }, _left, nodes) {
      const page = await cameWith(beside, await mailedLink(nodes, email))
      expect((await page.get('/invitation')).text).toContain(email)
    },
  }),
  act({
    name: 'an invitation that is taken back',
    prepare: invited,
    async act(dying, { id }) {
      return isAnswered(await call(dying, { method: 'DELETE', url: `${invitations}/${id}`, headers: asBackEnd }))
    },
    async judge(beside, { link }) {
      await expectSpent(await cameWith(beside, link), '/invitation')
    },
  }),
  act({
    name: 'an invitation that is accepted: the account, then a session of it',
    async prepare(beside) {
      const { email, link } = await invited(beside)
      return { email, page: await cameWith(beside, link) }
    },
    act: async (dying, { page }) => isAnswered(await onNode(dying, page).submit('/invitation', { password })),
    async judge(beside, { email, page }) {
      // Spent, and not for nothing: the account is there, and its password is known to whoever chose it.
      await expectSpent(page, '/invitation')
      expect((await browser(beside).signIn(email)).headers.location).toBe('/account')
    },
  }),
  act({
    name: 'an invitation that is accepted with a provider',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const { email, link } = await invited(beside)
      const page = await cameWith(beside, link)
      return { sub, email, page, back: await backFromProvider(nodes, page, await wayOn(page, '/invitation')) }
    },
    act: async (dying, { page, back }) => isAnswered(await onNode(dying, page).get(back)),
    async judge(beside, { sub, email, page }, { commits }, nodes) {
      if (commits === 1) {
        // The way there is used, the invitation is not: it leads there again.
        expect((await page.get(await backFromProvider(nodes, page, await wayOn(page, '/invitation')))).status).toBe(303)
      }
      await expectSpent(page, '/invitation')
      expect((await beside.store.loadUserByIdentity('work', sub)).user?.email).toBe(email)
    },
  }),
]
