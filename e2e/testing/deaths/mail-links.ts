import { expect } from 'vitest'
import { type Browser, browser } from '../../../packages/server/src/testing/browser.ts'
import type { Answer } from '../../../packages/server/src/testing/calls.ts'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import { linkIn } from '../../../packages/server/src/testing/mail-server.ts'
import type { DyingNodes } from './dying.ts'

/** Everything that is due is sent by the node beside; the link in the mail that somebody has got. */
export async function mailedLink({ beside, around, looking }: DyingNodes, email: string, path = ''): Promise<string> {
  await looking(async () => beside.server.mails?.look())
  return linkIn(around.post.lastTo(email, path))
}

/** A browser that has come with a link from a mail. */
export async function cameWith(beside: GivenServer, link: string, page: Browser = browser(beside)): Promise<Browser> {
  expect((await page.get(link)).status).toBe(303)
  return page
}

const reasonOf = ({ headers }: Answer): unknown => headers['countersign-reason']

/** The link with which it has come leads nowhere any more. */
export async function expectSpent(page: Browser, path: string): Promise<void> {
  expect(reasonOf(await page.get(path))).toBe('mail_link_invalid')
}
