import { type Store, StoreUnavailable } from '@countersign/store'
import { afterEach, describe, expect, test } from 'vitest'
import { logIn } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'
import { importLines, importsOver, wholeUser } from '../testing/imports.ts'
import { importedHashes } from '../testing/races-of-imported.ts'
import { importUsers } from './import-users.ts'

afterEach(closeGiven)

importsOver()

function importText(to: GivenServer, text: string) {
  return to.server.admin.importUsers([{ line: 7, text }])
}

describe('a line is refused by itself, with a reason and never with what stands there:', () => {
  const email = 'maria@example.com'
  test.each([
    ['no JSON', '{"email": "a@example.com"', 'request_malformed'],
    ['no object', '[]', 'request_malformed'],
    ['one member twice', '{"email": "a@example.com", "email": "b@example.com"}', 'request_malformed'],
    ['nobody', {}, 'parameter_invalid'],
    ['a member that is not known', { email, passwordHash: importedHashes.bcrypt }, 'parameter_invalid'],
    ['a hash as the name of a member', { email, [importedHashes.bcrypt]: 1 }, 'parameter_invalid'],
    ['an attribute called by a hash', { email, attributes: { [`${importedHashes.bcrypt} `]: 1 } }, 'parameter_invalid'],
    ['an attribute called by an address', { email, attributes: { 'rosa@example.com é': 1 } }, 'parameter_invalid'],
    ['a member called by a name', { email, profile: { rosa: 1 }, lopez: 1 }, 'parameter_invalid'],
    ['a hash that is no text', { email, password_hash: [importedHashes.bcrypt] }, 'parameter_invalid'],
    ['a hash without an address', { id: wholeUser.id, password_hash: importedHashes.bcrypt }, 'parameter_invalid'],
    ['no address, confirmed', { id: wholeUser.id, email_verified: true }, 'parameter_invalid'],
    ['an address that is none', { email: 'maria' }, 'email_invalid'],
    ['a number as the id', { email, id: '17' }, 'parameter_invalid'],
    ['nobody’s UUID', { email, id: '00000000-0000-0000-0000-000000000000' }, 'parameter_invalid'],
    ['a name that turns the text', { email, name: '\u202eairam' }, 'parameter_invalid'],
    ['a script as the page', { email, profile: { website: 'javascript:alert(1)' } }, 'parameter_invalid'],
    ['a role with a space', { email, roles: ['an editor'] }, 'parameter_invalid'],
    ['rights that fit into no token', { email, attributes: { a: 'x'.repeat(3_000) } }, 'parameter_invalid'],
    ['a time to come', { email, created_at: '2036-01-01T00:00:00Z' }, 'parameter_invalid'],
    ['a day', { email, created_at: '2020-01-01' }, 'parameter_invalid'],
    ['a connection that cannot be', { identities: [{ connection: 'Google', subject: '1' }] }, 'parameter_invalid'],
    // Their subject begins so who has no identity: another's would be made of it.
    ['the connection password', { identities: [{ connection: 'password', subject: '1' }] }, 'parameter_invalid'],
    [
      'an identity twice',
      {
        identities: [
          { connection: 'google', subject: '1' },
          { connection: 'google', subject: '1' },
        ],
      },
      'parameter_invalid',
    ],
    ['a bare digest', { email, password_hash: '5f4dcc3b5aa765d61d8327deb882cf99' }, 'password_hash_unsupported'],
    [
      'too dear a hash',
      { email, password_hash: importedHashes.bcrypt.replace('05', '15') },
      'password_hash_unsupported',
    ],
  ])('%s', async (_what, line, reason) => {
    const to = await given.server()
    const text = typeof line === 'string' ? line : JSON.stringify(line)
    const outcome = await importText(to, text)
    expect(outcome).toMatchObject({ imported: 0, there: 0, refused: [{ line: 7, reason }] })
    expect(JSON.stringify(outcome)).not.toMatch(/\$2b|5f4dcc|rosa|lopez/)
    expect(await to.store.listUsers({ limit: 10 })).toEqual([])
  })
})

test('a fifth kind of hash is refused, and the others on the page are not', async () => {
  const to = await given.server()
  const [salt, tag] = ['c29tZXNhbHRzb21lc2FsdA', 'dRQTFAC64AUomnZLAay3swtL3hXhe0yaoxl46oKSFo0']
  const users = [10, 11, 12, 13, 14, 13].map((exponent, place) => ({
    email: `u${place}@example.com`,
    password_hash: `$scrypt$ln=${exponent},r=8,p=1$${salt}$${tag}`,
  }))
  const outcome = await importLines(to, users)
  expect(outcome).toMatchObject({ imported: 5, refused: [{ line: 5, reason: 'password_hash_unsupported' }] })
})

test('what others change all the time breaks the import off, and is no line’s fault', async () => {
  let isContended = false
  const to = await given.server({
    wrapStore: store => ({ ...store, commit: async change => (isContended ? 'conflict' : store.commit(change)) }),
  })
  isContended = true
  const lines = [{ line: 1, text: JSON.stringify({ id: wholeUser.id, email: 'maria@example.com' }) }]
  await expect(importUsers(to.server.services, lines)).rejects.toBeInstanceOf(StoreUnavailable)
})

describe('a kind of hash of which none was left costs every sign-in again', () => {
  const rosa = { email: 'rosa@example.com', password_hash: importedHashes.bcrypt }

  async function whereNoneIsLeft(wrapStore: (store: Store) => Store): Promise<GivenServer> {
    const to = await given.server({ wrapStore })
    await importLines(to, [{ email: 'maria@example.com', password_hash: importedHashes.bcrypt }])
    await logIn(to)
    return to
  }

  test('if somebody with it is imported after they were counted', async () => {
    let isCounted = false
    const to = await whereNoneIsLeft(store => ({
      ...store,
      async listUsers(page) {
        const users = await store.listUsers(page)
        if (!isCounted) {
          isCounted = true
          await importLines(to, [rosa])
        }
        return users
      },
    }))
    expect(await to.server.admin.countImportedPasswords()).toEqual([{ hash: 'bcrypt', users: 1 }])
    expect((await to.store.loadIssuer()).issuer.importedWork).toEqual({ bcrypt: 32 })
  })

  test('if it is dropped just before they are there', async () => {
    let isReady = false
    const to = await whereNoneIsLeft(store => ({
      ...store,
      async commit(change) {
        if (isReady && change.audit.some(({ event }) => event === 'user.created')) {
          isReady = false
          expect(await to.server.admin.countImportedPasswords()).toEqual([])
          expect((await store.loadIssuer()).issuer.importedWork).toBeUndefined()
        }
        return store.commit(change)
      },
    }))
    isReady = true
    expect(await importLines(to, [rosa])).toEqual({ imported: 1, nameless: 1, there: 0, refused: [] })
    expect((await to.store.loadIssuer()).issuer.importedWork).toEqual({ bcrypt: 32 })
  })
})

test('a hash of ours is no imported one: it costs nobody more', async () => {
  const to = await given.server()
  const ours = await to.server.services.passwords.hash('correct horse battery')
  expect(await importLines(to, [{ email: 'maria@example.com', password_hash: ours }])).toMatchObject({ imported: 1 })
  expect((await to.store.loadIssuer()).issuer.importedWork).toBeUndefined()
  expect(await to.server.admin.countImportedPasswords()).toEqual([])
})

test('where nobody signs in by password a hash is refused, and who has none is imported', async () => {
  const to = await given.server({ config: { passwords: 'off' } })
  const outcome = await importLines(to, [wholeUser, { email: 'rosa@example.com' }])
  expect(outcome).toMatchObject({ imported: 1, refused: [{ line: 1, reason: 'passwords_off' }] })
})
