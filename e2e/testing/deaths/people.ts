import type { Family, User } from '@countersign/core'
import * as rows from '@countersign/store/given'
import { type Browser, browser } from '../../../packages/server/src/testing/browser.ts'
import { type Answer, type Login, logIn, postJson, signUp } from '../../../packages/server/src/testing/calls.ts'
import { type GivenServer, password } from '../../../packages/server/src/testing/given.ts'

let made = 0
let passwordHash: string | null | undefined

export const newAddress = (): string => `person-${++made}@example.com`

export interface Person {
  readonly id: string
  readonly email: string
  readonly user: User
}

/** Somebody with the password of all tests, which was hashed once. */
export async function person(beside: GivenServer): Promise<Person> {
  passwordHash ??= (await beside.store.loadUser(await signUp(beside, newAddress()))).user?.passwordHash
  const email = newAddress()
  const user = await rows.user(beside.store, { email, passwordHash: passwordHash ?? null })
  return { id: user.id, email, user }
}

/** Somebody who is signed in with a browser. */
export async function signedIn(beside: GivenServer): Promise<Person & { page: Browser }> {
  const somebody = await person(beside)
  const page = browser(beside)
  await page.signIn(somebody.email)
  return { ...somebody, page }
}

/** The same browser at another node. */
export function onNode(node: GivenServer, page: Browser): Browser {
  const there = browser(node)
  for (const [name, value] of page.jar) there.jar.set(name, value)
  return there
}

/** Somebody who is logged in with an app. */
export async function loggedIn(beside: GivenServer): Promise<Person & { login: Login }> {
  const somebody = await person(beside)
  return { ...somebody, login: await logIn(beside, { email: somebody.email }) }
}

export const tryLogin = (node: GivenServer, email: string): Promise<Answer> =>
  postJson(node, '/v1/sessions', { email, password, client_id: 'bearer-app' })

/** What stands in the store of somebody's only login. */
export async function familyOf(node: GivenServer, userId: string): Promise<Family> {
  const family = (await node.store.listSessions(userId))[0]?.families[0]
  if (family === undefined) throw new Error('no login')
  return family
}
