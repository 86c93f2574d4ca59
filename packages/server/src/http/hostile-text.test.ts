import { afterEach, expect, test, vi } from 'vitest'
import { browser } from '../testing/browser.ts'
import { bearer, logIn, postJson, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, password } from '../testing/given.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  await closeGiven()
})

/** Two kinds of marks, of which every one has to pass every other to be in order: two seconds of the event loop for 64 kB. */
const marks = (units: number): string => '\u0301'.repeat(units / 2) + '\u0316'.repeat(units / 2)

/** What people type, wherever they can type it: by a form as long as a body may be, and as JSON as long as a member may be. */
const ways: Readonly<Record<string, (to: GivenServer, text: string) => Promise<{ readonly status: number }>>> = {
  'the password at sign-in': (to, text) =>
    browser(to).submit('/sign-in', { email: 'maria@example.com', password: text }),
  'the address at sign-in': (to, text) => browser(to).submit('/sign-in', { email: `${text}@example.com`, password }),
  'the password at sign-up': (to, text) => browser(to).submit('/sign-up', { email: 'new@example.com', password: text }),
  'a new password': async (to, text) => {
    const page = browser(to)
    await page.signIn()
    const change = { command: 'change_password', current_password: password, new_password: text }
    return page.submit('/account', change)
  },
  'the current password': async (to, text) => {
    const page = browser(to)
    await page.signIn()
    const change = { command: 'change_password', current_password: text, new_password: 'a better horse battery' }
    return page.submit('/account', change)
  },
  'the password of a direct login': (to, text) =>
    postJson(to, '/v1/sessions', { email: 'maria@example.com', password: text, client_id: 'bearer-app' }),
  'the address of a direct login': (to, text) =>
    postJson(to, '/v1/sessions', { email: `${text}@example.com`, password, client_id: 'bearer-app' }),
  'the password of a new user': (to, text) => postJson(to, '/v1/users', { email: 'new@example.com', password: text }),
  'the passwords of a change': async (to, text) => {
    const { accessToken } = await logIn(to)
    return postJson(to, '/v1/password', { current_password: text, new_password: 'a better horse' }, bearer(accessToken))
  },
}

test.each(Object.keys(ways))(
  '%s, whatever marks it is made of, is put in order in few steps, and refused',
  async way => {
    const to = await given.server()
    await signUp(to)
    const normalize = vi.spyOn(String.prototype, 'normalize')
    for (const units of [10_000, 1024, 250]) {
      const answer = await ways[way]?.(to, marks(units))
      expect(answer?.status).toBeGreaterThanOrEqual(400)
      expect(answer?.status).toBeLessThan(500)
    }
    const texts = normalize.mock.contexts.map(String)
    // As many steps as the square of the marks in a row.
    const steps = texts.flatMap(text => text.match(/\p{M}+/gu) ?? []).map(row => row.length ** 2)
    expect(steps.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(2 * 250 ** 2)
    expect(Math.max(0, ...texts.map(text => text.length))).toBeLessThanOrEqual(1024)
  },
)
