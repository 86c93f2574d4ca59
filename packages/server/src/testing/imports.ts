import type { Store, StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import type { ImportOutcome } from '../imports/import-users.ts'
import { introspect, logIn, refresh, signUp } from './calls.ts'
import { type GivenServer, given } from './given.ts'
import { importedHashes, userOf } from './races-of-imported.ts'

/** Imports lines that stand in a file in this order, the first one being number 1. */
export function importLines(to: GivenServer, users: readonly object[], isDryRun = false): Promise<ImportOutcome> {
  const lines = users.map((user, index) => ({ line: index + 1, text: JSON.stringify(user) }))
  return to.server.admin.importUsers(lines, { isDryRun })
}

export const wholeUser: { readonly id: string; readonly email: string; readonly [member: string]: unknown } = {
  // No time, and with the first bit set.
  id: 'cb241101-e2bb-4255-8caf-4136c566a962',
  email: 'Maria@Example.com',
  email_verified: true,
  name: 'Maria Lopez',
  profile: { given_name: 'Maria', locale: 'es-ES', address: { country: 'ES' }, phone_number: '+34600000000' },
  password_hash: importedHashes.bcrypt,
  identities: [
    { connection: 'google', subject: '1234' },
    { connection: 'trusted:crm', subject: '17' },
  ],
  roles: ['editor', 'admin'],
  attributes: { tenant: 'acme' },
  created_at: '2020-02-03T04:05:06+01:00',
}

/** What must hold of an import on every store. */
export function importsOver(openStore?: (options: StoreOptions) => Promise<Store>): void {
  const server = () => given.server(openStore ? { openStore } : {})

  test('an imported user is who they were: id, address, profile, rights, identities, and the time when they came', async () => {
    const to = await server()
    const before = (await to.audit()).length
    expect(await importLines(to, [wholeUser])).toMatchObject({ imported: 1, there: 0, refused: [] })
    const id = Buffer.from(wholeUser.id.replaceAll('-', ''), 'hex').toString('base64url')
    expect(await userOf(to, id)).toEqual({
      id,
      email: 'Maria@Example.com',
      emailVerifiedAt: to.now(),
      name: 'Maria Lopez',
      profile: { givenName: 'Maria', locale: 'es-ES', address: { country: 'ES' }, phoneNumber: '+34600000000' },
      rights: { roles: ['admin', 'editor'], groups: [], permissions: [], attributes: { tenant: 'acme' } },
      passwordHash: importedHashes.bcrypt,
      firstIdentity: { connection: 'google', subject: '1234' },
      disabledAt: null,
      deletedAt: null,
      createdAt: Date.parse('2020-02-03T03:05:06Z'),
      sealSalt: expect.any(Buffer),
      claimsEpoch: 0,
      epoch: 1,
      version: 1,
    })
    expect((await to.store.loadUserByIdentity('trusted:crm', '17')).user?.id).toBe(id)
    const facts = {
      by: 'operator',
      imported: true,
      password_hash: 'bcrypt',
      roles: 'admin editor',
      connections: 'google trusted:crm',
    }
    expect((await to.audit()).slice(before).map(({ record }) => record)).toEqual([
      { event: 'user.created', time: to.now(), userId: id, facts },
    ])
    const { accessToken, refreshToken } = await logIn(to)
    expect((await introspect(to, accessToken)).body.sub).toBe(id)
    expect((await refresh(to, refreshToken)).status).toBe(200)
    expect((await to.store.listSessions(id)).map(({ session }) => session.userId)).toEqual([id])
  })

  test('an import that is done again imports nobody twice and overwrites nobody', async () => {
    const to = await server()
    const users = [
      wholeUser,
      { email: 'rosa@example.com', email_verified: true },
      { identities: [{ connection: 'github', subject: '5' }] },
      { email: 'unconfirmed@example.com', password_hash: importedHashes.django },
      { email: 'old@example.com', created_at: '2021-01-01T00:00:00Z' },
    ]
    expect(await importLines(to, users)).toMatchObject({ imported: 5, there: 0, refused: [] })
    const [stored, audited] = [await to.store.listUsers({ limit: 10 }), (await to.audit()).length]
    const changed = users.map(user => ({ ...user, name: 'Another', roles: ['admin'] }))
    expect(await importLines(to, changed)).toMatchObject({ imported: 0, there: 5, refused: [] })
    expect(await to.store.listUsers({ limit: 10 })).toEqual(stored)
    expect(await to.audit()).toHaveLength(audited)
  })

  test('nobody’s account is given away by an address or an identity that a file names', async () => {
    const to = await server()
    const id = await signUp(to, 'maria@example.com')
    const before = await userOf(to, id)
    await importLines(to, [{ email: 'rosa@example.com', identities: [{ connection: 'google', subject: '7' }] }])
    const outcome = await importLines(to, [
      // Confirmed there, and not here: whoever signed up here with it may be another.
      { email: 'MARIA@example.com', email_verified: true, password_hash: importedHashes.bcrypt },
      { email: 'maria@example.com', identities: [{ connection: 'github', subject: '8' }] },
      { id: wholeUser.id, identities: [{ connection: 'google', subject: '7' }] },
      { email: 'ines@example.com' },
    ])
    expect(outcome).toMatchObject({
      imported: 1,
      there: 0,
      refused: [
        { line: 1, reason: 'email_taken' },
        { line: 2, reason: 'email_taken' },
        { line: 3, reason: 'identity_taken' },
      ],
    })
    expect(await userOf(to, id)).toEqual(before)
    expect((await to.store.loadUserByIdentity('github', '8')).user).toBeUndefined()
  })

  test('of two lines with one address or identity the first is imported', async () => {
    const to = await server()
    const outcome = await importLines(to, [
      { email: 'maria@example.com', email_verified: true },
      { email: 'Maria@EXAMPLE.com', email_verified: true },
      { email: 'maria@example.com' },
      { identities: [{ connection: 'github', subject: '1' }] },
      { id: wholeUser.id, identities: [{ connection: 'github', subject: '1' }] },
    ])
    expect(outcome).toMatchObject({ imported: 2, there: 1 })
    expect(outcome.refused.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'email_taken'],
      [5, 'identity_taken'],
    ])
  })

  test('a hundred users are one commit, and of two imports at once each user comes once', async () => {
    const to = await server()
    const users = Array.from({ length: 100 }, (_, place) => ({ email: `u${place}@example.com`, email_verified: true }))
    const outcomes = await Promise.all([importLines(to, users), importLines(to, users.toReversed())])
    expect(outcomes.map(({ refused }) => refused)).toEqual([[], []])
    expect(outcomes.map(({ imported }) => imported).reduce((one, other) => one + other)).toBe(100)
    expect(await to.store.listUsers({ limit: 200 })).toHaveLength(100)
    expect((await to.audit()).filter(({ record }) => record.event === 'user.created')).toHaveLength(100)
  })

  test('of ten imports at once with hashes nobody is refused, and the cost of their kind is written once', async () => {
    let commits = 0
    const to = await given.server({
      ...(openStore && { openStore }),
      wrapStore: store => ({
        ...store,
        commit(change) {
          if (change.audit.some(({ event }) => event === 'user.created')) commits++
          return store.commit(change)
        },
      }),
    })
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, place) =>
        importLines(to, [{ email: `u${place}@example.com`, password_hash: importedHashes.bcrypt }]),
      ),
    )
    expect(outcomes).toMatchObject(outcomes.map(() => ({ imported: 1, there: 0, refused: [] })))
    // The one who wrote it was in each other's way once.
    expect(commits).toBeLessThanOrEqual(19)
    expect((await to.store.loadIssuer()).issuer.importedWork).toEqual({ bcrypt: 32 })
  })

  test('who was deleted stays deleted', async () => {
    const to = await server()
    await importLines(to, [wholeUser])
    await to.server.admin.deleteUser('maria@example.com')
    expect(await importLines(to, [wholeUser])).toMatchObject({ imported: 0, there: 1, refused: [] })
    expect(await to.server.admin.listUsers('')).toEqual([])
  })

  test('a dry run judges all and writes nothing', async () => {
    const to = await server()
    const before = (await to.audit()).length
    const outcome = await importLines(to, [wholeUser, { email: 'no address' }], true)
    expect(outcome).toMatchObject({ imported: 1, there: 0, refused: [{ line: 2, reason: 'email_invalid' }] })
    expect(await to.store.listUsers({ limit: 10 })).toEqual([])
    expect(await to.audit()).toHaveLength(before)
  })

  test('imported hashes cost every sign-in until none is left of them', async () => {
    const to = await server()
    await importLines(to, [
      { email: 'maria@example.com', password_hash: importedHashes.bcrypt },
      { email: 'rosa@example.com', password_hash: importedHashes.django },
    ])
    const work = async () => (await to.store.loadIssuer()).issuer.importedWork
    expect(await work()).toEqual({ bcrypt: 32, 'pbkdf2-sha256': 1000 })
    await logIn(to)
    expect(await to.server.admin.countImportedPasswords()).toEqual([{ hash: 'pbkdf2-sha256', users: 1 }])
    expect(await work()).toEqual({ 'pbkdf2-sha256': 1000 })
    await logIn(to, { email: 'rosa@example.com' })
    expect(await to.server.admin.countImportedPasswords()).toEqual([])
    expect(await work()).toBeUndefined()
  })
}
