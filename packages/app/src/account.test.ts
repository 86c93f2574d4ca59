import { expect, test } from 'vitest'
import { changePassword, signUp } from './account.ts'
import { apiUrl, createWorld, credentials } from './testing/world.ts'

const echo = `${apiUrl}/api/echo`

test('signing up makes a user who can then sign in; a taken address is refused', async () => {
  const world = createWorld()
  const tab = world.tab()
  const grace = { email: 'grace@example.com', password: 'compiler!' }
  expect(await world.until(signUp(tab.app, grace))).toEqual({ refused: false, status: 'created' })
  expect(await world.until(signUp(tab.app, grace))).toMatchObject({ refused: true, reason: 'email_taken' })
  expect((await world.until(tab.app.signIn(grace))).refused).toBe(false)
})

test('a changed password: this login goes on in every tab with fresh tokens, every other one has ended', async () => {
  const world = createWorld()
  const [tab, second] = [world.tab(), world.tab()]
  await world.until(tab.app.signIn(credentials))
  const passwords = { currentPassword: credentials.password, newPassword: 'battery staple' }
  const before = await world.until(tab.app.getToken())
  expect(await world.until(changePassword(tab.app, passwords))).toMatchObject({ refused: false })
  await world.settle()
  expect(await world.until(second.app.getToken())).not.toBe(before)
  for (const { app } of [tab, second]) expect((await world.until(app.fetch(echo))).status).toBe(200)
  expect(world.posts('/token')).toBe(0)
  expect(tab.app.bound).toBe(true)
})

test('a wrong current password is asked once and refused; the login stays', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  const passwords = { currentPassword: 'wrong', newPassword: 'battery staple' }
  expect(await world.until(changePassword(tab.app, passwords))).toMatchObject({ refused: true, reason: 'login_failed' })
  expect(world.posts('/v1/password')).toBe(1)
  expect(tab.app.state).toEqual({ status: 'fresh' })
})

test('a token that has just expired does not fail the change of the password', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  world.issuer.expireAll()
  const passwords = { currentPassword: credentials.password, newPassword: 'battery staple' }
  expect(await world.until(changePassword(tab.app, passwords))).toMatchObject({ refused: false })
  expect(world.posts('/v1/password')).toBe(2)
  expect(world.posts('/token')).toBe(1)
})

test('a password’s answer that comes after somebody else has signed in does not touch their login', async () => {
  const world = createWorld()
  const [tab, second] = [world.tab(), world.tab()]
  const grace = { email: 'grace@example.com', password: 'compiler!' }
  await world.until(signUp(tab.app, grace))
  await world.until(tab.app.signIn(credentials))
  await world.settle()
  const changed = changePassword(tab.app, { currentPassword: credentials.password, newPassword: 'battery staple' })
  await world.pass(15)
  // The request is on its way; the answer will take longer than a sign-in in the other tab.
  world.latency = 500
  await world.pass(10)
  world.latency = 20
  await world.until(second.app.signIn(grace))
  const ofGrace = world.record.session
  expect(await world.until(changed)).toMatchObject({ refused: false })
  await world.pass(2_000)
  expect(world.record.session).toEqual(ofGrace)
  world.issuer.expireAll()
  expect((await world.until(second.app.fetch(echo))).status).toBe(200)
  expect(second.app.state).toEqual({ status: 'fresh' })
  // What the password was changed with has no owner any more.
  expect([...world.issuer.families.values()].filter(family => !family.ended)).toHaveLength(1)
})
