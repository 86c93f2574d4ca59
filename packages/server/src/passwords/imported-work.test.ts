import { randomBytes } from 'node:crypto'
import type { ImportedWork } from '@countersign/core'
import { expect, test } from 'vitest'
import { type Derivation, digestBytes, type ImportedHash, parseImportedHash } from './imported-hash.ts'
import { idleWork, withWork, workOf } from './imported-work.ts'
import { createPasswordHasher } from './password-hasher.ts'

const [salt, tag] = ['c29tZXNhbHRzb21lc2FsdA', 'dRQTFAC64AUomnZLAay3swtL3hXhe0yaoxl46oKSFo0']
const bcryptTail = 'J4u2RakZUhC8sj4LpvvVzuy38/68RtqBdqLdbp1.RCHUxvuxBOgFS'
const hashes = [
  `$2b$10$${bcryptTail}`,
  `$2b$12$${bcryptTail}`,
  `$pbkdf2-sha256$i=260000$${salt}$${tag}`,
  `$pbkdf2-sha256$i=870000$${salt}$${tag}`,
  `$scrypt$ln=14,r=8,p=1$${salt}$${tag}`,
  `$argon2i$v=19$m=4096,t=3,p=1$${salt}$${tag}`,
]
const parsed = (hash: string): ImportedHash => parseImportedHash(hash) as ImportedHash

function workOfAll(all: readonly string[]): ImportedWork {
  return all.reduce<ImportedWork>((work, hash) => withWork(work, parsed(hash)) ?? work, {})
}

/** How much work of each kind a judgement was. */
async function workDone(hash: string | null, importedWork: ImportedWork): Promise<Record<string, number>> {
  const done: Record<string, number> = {}
  const deriveKey = async (_message: string, derivation: Derivation, bytes: number): Promise<Buffer> => {
    const { kind, amount } = workOf(derivation)
    // PBKDF2 makes a key block by block (RFC 8018 §5.2).
    const blocks = derivation.scheme === 'pbkdf2' ? Math.ceil(bytes / digestBytes[derivation.digest]) : 1
    done[kind] = (done[kind] ?? 0) + amount * blocks
    return Buffer.alloc(derivation.scheme === 'bcrypt' ? 31 : bytes)
  }
  const { verify } = createPasswordHasher({ random: randomBytes, deriveKey })
  await verify('a good long password', hash, { importedWork })
  return done
}

test('no judgement tells by its work whether there is an account, and whether its hash was imported or from where', async () => {
  const importedWork = workOfAll(hashes)
  const ours = await createPasswordHasher({ random: randomBytes }).hash('a good long password')
  const ofNobody = await workDone(null, importedWork)
  expect(ofNobody).toEqual({
    'argon2id m=19456,t=2,p=1': 1,
    bcrypt: 4096,
    'pbkdf2-sha256': 870_000,
    'scrypt N=16384,r=8,p=1': 1,
    'argon2i m=4096,t=3,p=1': 1,
  })
  for (const hash of [ours, ...hashes, 'what cannot be read'])
    expect(await workDone(hash, importedWork)).toEqual(ofNobody)
})

test.each(['sha1', 'sha256', 'sha512'])('of PBKDF2 with %s everybody costs the same number of blocks', async digest => {
  const own = `$pbkdf2-${digest}$i=1000$${salt}$${'A'.repeat(86)}`
  const importedWork = workOfAll([own])
  const done = await workDone(own, importedWork)
  expect(done[`pbkdf2-${digest}`]).toBe(1000)
  expect(await workDone(null, importedWork)).toEqual(done)
  expect(await workDone(`$pbkdf2-${digest}$i=1$${salt}$${'A'.repeat(86)}`, importedWork)).toEqual(done)
})

test('where no hash was imported a judgement costs one argon2, as ever', async () => {
  expect(await workDone(null, {})).toEqual({ 'argon2id m=19456,t=2,p=1': 1 })
})

test('of each kind the dearest counts; a fifth kind is too much for every sign-in', () => {
  const work = workOfAll(hashes)
  expect(withWork(work, parsed(`$2b$04$${bcryptTail}`))).toBe(work)
  expect(withWork(work, parsed(`$2b$14$${bcryptTail}`))).toEqual({ ...work, bcrypt: 16_384 })
  expect(withWork(work, parsed(`$scrypt$ln=15,r=8,p=1$${salt}$${tag}`))).toBeUndefined()
})

test('all kinds together have a bound: not each at its own', () => {
  const dear = [
    `$2b$14$${bcryptTail}`,
    `$pbkdf2-sha512$i=2000000$${salt}$${'A'.repeat(86)}`,
    `$scrypt$ln=18,r=8,p=1$${salt}$${tag}`,
    `$argon2id$v=19$m=262144,t=2,p=1$${salt}$${tag}`,
  ]
  for (const [place, first] of dear.entries()) {
    const alone = workOfAll([first])
    expect(Object.keys(alone)).toHaveLength(1)
    const others = dear.filter((_hash, other) => other !== place)
    expect(Object.keys(workOfAll([first, ...others])).length).toBeLessThan(4)
  }
  const work = workOfAll([dear[0] ?? '', `$pbkdf2-sha512$i=120000$${salt}$${'A'.repeat(86)}`])
  expect(withWork(work, parsed(dear[1] ?? ''))).toBeUndefined()
})

test('a kind of work that is not known costs nothing', () => {
  expect(idleWork('of a later version', 3, randomBytes)).toEqual([])
})
