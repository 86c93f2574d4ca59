import { afterEach, expect, test } from 'vitest'
import { type Browser, browser } from '../testing/browser.ts'
import { type Answer, authorization, bearer, get, logIn, postForm, redeem } from '../testing/calls.ts'
import { answerDevice, device } from '../testing/devices.ts'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'
import { push } from '../testing/pushed.ts'

afterEach(closeGiven)

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const requestUriOf = (secret: string) => `urn:ietf:params:oauth:request_uri:${secret}`

type Use = (to: GivenServer, page: Browser, thing: string) => Promise<Answer>

/** What somebody tries with a secret that was made for something else. */
const uses: Readonly<Record<string, Use>> = {
  code: (to, _page, thing) => redeem(to, { code: thing, code_verifier: 'v'.repeat(43) }),
  deviceCode: (to, _page, thing) =>
    postForm(to, '/token', { grant_type: deviceGrant, device_code: thing, client_id: 'tv' }),
  userCode: (_to, page, thing) => page.submit('/device', { command: 'look', user_code: thing }),
  request: (_to, page, thing) => page.get(authorization({ request_uri: requestUriOf(thing) }).path),
  refreshToken: (to, _page, thing) =>
    postForm(to, '/token', { grant_type: 'refresh_token', refresh_token: thing, client_id: 'bearer-app' }),
  accessToken: (to, _page, thing) => get(to, '/v1/me', bearer(thing)),
  registration: (to, _page, thing) => get(to, '/register/bearer-app', bearer(thing)),
}

test('CVE-2026-4282: what is good for one thing is worth nothing as another, and is none the worse for the try', async () => {
  const to = await given.server()
  const page = browser(to)
  await page.signUp()
  const [{ code, verifier }, pushed, tv, login] = [await page.code(), await push(to), await device(to), await logIn(to)]
  const things: Readonly<Record<string, string>> = {
    code,
    request: pushed.requestUri.slice(requestUriOf('').length),
    deviceCode: tv.deviceCode,
    userCode: tv.userCode,
    refreshToken: login.refreshToken,
    accessToken: login.accessToken,
  }
  for (const [kind, thing] of Object.entries(things)) {
    for (const [name, use] of Object.entries(uses)) {
      if (name === kind) continue
      const answer = await use(to, page, thing)
      expect([kind, name, answer.status >= 400 && answer.status < 500]).toEqual([kind, name, true])
      expect([answer.headers.location, answer.body.access_token]).toEqual([undefined, undefined])
    }
  }
  expect((await redeem(to, { code, code_verifier: verifier })).status).toBe(200)
  expect(new URL(String((await page.get(pushed.path)).headers.location)).searchParams.has('code')).toBe(true)
  await answerDevice(page, tv.userCode, 'allow')
  expect((await tv.poll()).status).toBe(200)
  expect((await uses.accessToken?.(to, page, login.accessToken))?.status).toBe(200)
  expect((await uses.refreshToken?.(to, page, login.refreshToken))?.status).toBe(200)
})
