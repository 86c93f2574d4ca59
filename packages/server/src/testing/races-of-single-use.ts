import type { Store, StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import { browser } from './browser.ts'
import { type Answer, bearer, get, redeem } from './calls.ts'
import { answerDevice, device } from './devices.ts'
import { given } from './given.ts'
import { push } from './pushed.ts'
import { racesOfAssertions } from './races-of-assertions.ts'

/** Fifty at once with what is good for one: what must hold on every store. */
export function racesOfSingleUse(openStore?: (options: StoreOptions) => Promise<Store>): void {
  racesOfAssertions(openStore)
  const server = () => given.server(openStore ? { openStore } : {})
  const fifty = <T>(run: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: 50 }, (_, index) => run(index)))
  const statuses = (answers: readonly Answer[], status: number): number =>
    answers.filter(answer => answer.status === status).length

  test('attack 15 (CVE-2026-47386, GHSA-7w99-5wm4-3g79): of fifty redemptions of one code one gets tokens', async () => {
    const to = await server()
    const page = browser(to)
    await page.signUp()
    const { code, verifier } = await page.code({ client_id: 'bearer-app' })
    const answers = await fifty(() => redeem(to, { code, code_verifier: verifier, client_id: 'bearer-app' }))
    expect([statuses(answers, 200), statuses(answers, 400)]).toEqual([1, 49])
    const winner = answers.find(({ status }) => status === 200)
    expect((await get(to, '/v1/me', bearer(String(winner?.body.access_token)))).status).toBe(200)
    expect((await to.audit()).filter(({ record }) => record.event === 'family.created')).toHaveLength(1)
  })

  test('of fifty who come with one pushed request at once one gets a code', async () => {
    const to = await server()
    // The limit on codes is not what is tried here: there are three sessions.
    const pages = [browser(to), browser(to), browser(to)]
    await pages[0]?.signUp()
    for (const page of pages.slice(1)) await page.signIn()
    const { path } = await push(to)
    const answers = await fifty(index => (pages[index % 3] ?? browser(to)).get(path))
    expect([statuses(answers, 303), statuses(answers, 400)]).toEqual([1, 49])
    expect(answers.find(({ status }) => status === 303)?.headers.location).toContain('code=')
  })

  test('of fifty polls of one approved device one gets tokens; of fifty answers one counts', async () => {
    const to = await server()
    const page = browser(to)
    await page.signUp()
    const tv = await device(to)
    const before = (await to.audit()).length
    const answered = await fifty(() => answerDevice(page, tv.userCode, 'allow'))
    // Most meet the limit on guessing, which knows only afterwards that a code was right.
    expect([statuses(answered, 303), statuses(answered, 400) + statuses(answered, 429)]).toEqual([1, 49])
    expect(await to.auditedSince(before)).toEqual(['device.approved', 'grant.allowed'])
    const polls = await fifty(() => tv.poll())
    expect([statuses(polls, 200), statuses(polls, 400)]).toEqual([1, 49])
    expect(await to.auditedSince(before)).toEqual(['device.approved', 'grant.allowed', 'session.created'])
  })
}
