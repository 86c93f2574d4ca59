import { makeId, newUser, type User } from '@countersign/core'
import type { Store, StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import { logIn, refresh } from './calls.ts'
import { type GivenServer, given } from './given.ts'

/** Hashes of `password`, made by Python's bcrypt and Django. */
export const importedHashes = {
  bcrypt: '$2b$05$J4u2RakZUhC8sj4LpvvVzuy38/68RtqBdqLdbp1.RCHUxvuxBOgFS',
  django: 'pbkdf2_sha256$1000$hJ3kq9LmZtWx0Aa1Bb2Cc3$dqPvO3fA8xdiDJ7NXiRvrFnBVLuxO6ctcFheI2BTrFk=',
} as const

/** Somebody who came with a hash of another system. */
export async function importedUser(to: GivenServer, passwordHash: string = importedHashes.bcrypt): Promise<string> {
  const { now, random } = { now: to.now(), random: to.server.services.random }
  const id = makeId(now, random)
  const row = newUser({ id, email: 'maria@example.com', passwordHash, createdAt: now, sealSalt: random(16) })
  await to.store.commit({ writes: [{ table: 'user', row }], audit: [], entries: [], durable: true, time: now })
  return id
}

export async function userOf(to: GivenServer, id: string): Promise<User> {
  return (await to.store.loadUser(id)).user as User
}

/** Whose hash was imported signs in with many devices at once: what must hold on every store. */
export function racesOfImported(openStore?: (options: StoreOptions) => Promise<Store>): void {
  test('of ten sign-ins at once with an imported hash all succeed, one upgrades it, and nothing is made of that', async () => {
    const to = await given.server(openStore ? { openStore } : {})
    const id = await importedUser(to)
    const before = (await to.audit()).length
    const logins = await Promise.all(Array.from({ length: 10 }, () => logIn(to)))
    const user = await userOf(to, id)
    expect(user.passwordHash).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
    expect([user.version, user.epoch]).toEqual([2, 1])
    expect(new Set(await to.auditedSince(before))).toEqual(new Set(['session.created']))
    for (const { refreshToken } of logins) expect((await refresh(to, refreshToken)).status).toBe(200)
    await logIn(to)
    expect(await userOf(to, id)).toEqual(user)
  })
}
