import { expect } from 'vitest'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import { importLines } from '../../../packages/server/src/testing/imports.ts'
import { importedHashes } from '../../../packages/server/src/testing/races-of-imported.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { isDone } from './operate.ts'
import { newAddress, tryLogin } from './people.ts'

const imported = (email: string) => ({ email, password_hash: importedHashes.django })

async function imports(beside: GivenServer): Promise<{ email: string }> {
  const email = newAddress()
  expect(await importLines(beside, [imported(email)])).toMatchObject({ imported: 1 })
  return { email }
}

/** People come from another system, and what becomes of the hashes that they bring. */
export const actsOfImports: readonly DeadlyAct[] = [
  act({
    name: 'people who come from another system, in two groups since two lines have one address',
    async prepare() {
      const [one, other] = [newAddress(), newAddress()]
      return { users: [imported(one), imported(other), imported(one)] }
    },
    act: (dying, { users }) => isDone(importLines(dying, users)),
    async judge(beside, { users }) {
      // Begun anew it leaves whoever is there.
      expect((await importLines(beside, users)).there).toBeGreaterThanOrEqual(2)
      for (const { email } of users) expect((await tryLogin(beside, email)).status).toBe(201)
    },
  }),
  act({
    name: 'a login that makes a hash of ours from another system’s',
    prepare: imports,
    act: async (dying, { email }) => isAnswered(await tryLogin(dying, email)),
    async judge(beside, { email }) {
      expect((await beside.store.loadUserByEmail(email)).user?.passwordHash).toMatch(/^\$argon2id\$/)
      expect((await tryLogin(beside, email)).status).toBe(201)
    },
  }),
  act({
    name: 'a count of other systems’ hashes, of which the last one is gone',
    async prepare(beside) {
      const { email } = await imports(beside)
      await tryLogin(beside, email)
      for (const user of await beside.store.listUsers({ limit: 10_000 })) {
        if (user.passwordHash !== importedHashes.django) continue
        const writes = [{ table: 'user' as const, row: { ...user, passwordHash: null } }]
        await beside.store.commit({ writes, audit: [], entries: [], durable: true, time: 0 })
      }
    },
    act: dying => isDone(dying.server.admin.countImportedPasswords()),
    async judge(beside) {
      expect((await beside.store.loadIssuer()).issuer.importedWork).toBeUndefined()
      expect(await beside.server.admin.countImportedPasswords()).toEqual([])
    },
  }),
]
