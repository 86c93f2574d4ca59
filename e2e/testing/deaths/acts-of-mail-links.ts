import { expect } from 'vitest'
import { browser } from '../../../packages/server/src/testing/browser.ts'
import { refresh } from '../../../packages/server/src/testing/calls.ts'
import { expectNewPassword, newPassword } from './acts-of-logins.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { cameWith, expectSpent, mailedLink } from './mail-links.ts'
import { loggedIn, onNode, person, signedIn, tryLogin } from './people.ts'

/** Mails are asked for, and what their links lead to is done. */
export const actsOfMailLinks: readonly DeadlyAct[] = [
  act({
    name: 'a new password that is asked for',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      return person(beside)
    },
    act: async (dying, { email }) => isAnswered(await browser(dying).submit('/forgot-password', { email })),
    async judge(beside, { email }, _left, nodes) {
      const page = await cameWith(beside, await mailedLink(nodes, email, '/reset-password'))
      expect((await page.get('/reset-password')).status).toBe(200)
    },
  }),
  act({
    name: 'a new password by a link',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      const { email } = await person(beside)
      await browser(beside).submit('/forgot-password', { email })
      return { email, page: await cameWith(beside, await mailedLink(nodes, email, '/reset-password')) }
    },
    async act(dying, { page }) {
      return isAnswered(await onNode(dying, page).submit('/reset-password', { new_password: newPassword }))
    },
    async judge(beside, { email, page }) {
      await expectNewPassword(beside, email)
      await expectSpent(page, '/reset-password')
    },
  }),
  act({
    name: 'a mail to confirm an address, once more',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      return signedIn(beside)
    },
    act: async (dying, { page }) =>
      isAnswered(await onNode(dying, page).submit('/account', { command: 'verify_address' })),
    async judge(_beside, { email }, _left, nodes) {
      expect(await mailedLink(nodes, email, '/verify-address')).toContain('/verify-address?token=')
    },
  }),
  act({
    name: 'an address that is confirmed',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      const somebody = await signedIn(beside)
      await somebody.page.submit('/account', { command: 'verify_address' })
      await cameWith(beside, await mailedLink(nodes, somebody.email, '/verify-address'), somebody.page)
      return somebody
    },
    act: async (dying, { page }) => isAnswered(await onNode(dying, page).submit('/verify-address', {})),
    async judge(beside, { id, page }) {
      expect((await beside.store.loadUser(id)).user?.emailVerifiedAt).not.toBeNull()
      await expectSpent(page, '/verify-address')
    },
  }),
  act({
    name: 'a “this was not me”',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      const somebody = await loggedIn(beside)
      return { ...somebody, page: await cameWith(beside, await mailedLink(nodes, somebody.email, '/not-me')) }
    },
    act: async (dying, { page }) => isAnswered(await onNode(dying, page).submit('/not-me', {})),
    async judge(beside, { email, login, page }, _left, nodes) {
      expect((await refresh(beside, login.refreshToken)).body.error).toBe('invalid_grant')
      expect((await tryLogin(beside, email)).status).toBe(401)
      await expectSpent(page, '/not-me')
      expect(await mailedLink(nodes, email, '/reset-password')).toContain('token=')
    },
  }),
]
