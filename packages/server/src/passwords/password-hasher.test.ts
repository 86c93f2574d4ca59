import { argon2Sync, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createPasswordHasher, defaultArgon2Parameters, PasswordQueueFull } from './password-hasher.ts'
import { formatPhc, parsePhc } from './phc-string.ts'

const cheap = { memoryKib: 8, passes: 1, lanes: 1 }
const hasher = (more: { maxConcurrent?: number; maxQueue?: number } = {}) =>
  createPasswordHasher({ random: randomBytes, parameters: cheap, ...more })

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a password hash', () => {
  test('matches its password and no other', async () => {
    const { hash, verify } = hasher()
    const phc = await hash('a good long password')
    expect(await verify('a good long password', phc)).toEqual({ matches: true, needsRehash: false })
    expect(await verify('a good long passwore', phc)).toEqual({ matches: false, needsRehash: false })
    expect(await verify('A good long password', phc)).toEqual({ matches: false, needsRehash: false })
    expect(await verify('', phc)).toEqual({ matches: false, needsRehash: false })
  })

  test('is a PHC string that names its parameters, salted anew each time', async () => {
    const { hash } = hasher()
    const [one, two] = [await hash('same password'), await hash('same password')]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(two)
    expect(parsePhc(one)?.salt).not.toEqual(parsePhc(two)?.salt)
  })

  test('is made with 19 MiB and two passes unless told otherwise', async () => {
    const usual = createPasswordHasher({ random: randomBytes })
    const phc = await usual.hash('a good long password')
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(parsePhc(phc)).toMatchObject(defaultArgon2Parameters)
  })

  test('of the reference implementation of argon2id is understood (its test: 256 KiB, two passes, one lane)', async () => {
    const phc = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
    expect(await hasher().verify('password', phc)).toEqual({ matches: true, needsRehash: true })
    expect((await hasher().verify('differentpassword', phc)).matches).toBe(false)
  })

  test('made with other parameters still matches, and asks to be made anew', async () => {
    const older = await hasher().hash('a good long password')
    const newer = createPasswordHasher({ random: randomBytes, parameters: { ...cheap, memoryKib: 16 } })
    expect(await newer.verify('a good long password', older)).toEqual({ matches: true, needsRehash: true })
    expect(await newer.verify('another password', older)).toEqual({ matches: false, needsRehash: false })
  })

  test('does not depend on how a keyboard composes an accent', async () => {
    const { hash, verify } = hasher()
    expect((await verify('cafe\u0301 au lait', await hash('café au lait'))).matches).toBe(true)
  })

  test('that came from elsewhere with our parameters may be of accents as they were typed, and is made anew', async () => {
    const { verify } = hasher()
    const [typed, composed] = ['cafe\u0301 au lait', 'caf\u00e9 au lait']
    const salt = randomBytes(16)
    const made = { message: typed, nonce: salt, memory: 8, passes: 1, parallelism: 1, tagLength: 32 }
    const phc = formatPhc({ ...cheap, salt, tag: argon2Sync('argon2id', made) })
    expect(await verify(typed, phc)).toEqual({ matches: true, needsRehash: true })
    expect((await verify(composed, phc)).matches).toBe(false)
    expect((await verify('cafe\u0301', phc)).matches).toBe(false)
  })

  test('never matches a password with a lone surrogate, which would share its bytes with others', async () => {
    const { hash, verify } = hasher()
    const phc = await hash('password \ud800')
    expect((await verify('password \udfff', phc)).matches).toBe(false)
    expect((await verify('password \ufffd', phc)).matches).toBe(true)
  })

  test.each([
    ['two kinds of accents in 64 kB', '\u0301'.repeat(15_900) + '\u0316'.repeat(15_900)],
    ['31 accents in a row', `e${'\u0301\u0316'.repeat(20)}`],
    ['a letter more than any password', 'a'.repeat(1025)],
  ])(
    'is not looked for under %s: nothing of it is normalised, it costs an argon2, and matches nothing',
    async (_what, text) => {
      const { hash, verify } = hasher()
      const phcs = [await hash('a good long password'), await hash(''), null]
      const normalize = vi.spyOn(String.prototype, 'normalize')
      for (const phc of phcs) expect(await verify(text, phc)).toEqual({ matches: false, needsRehash: false })
      await expect(hash(text)).rejects.toThrow('no password')
      expect(normalize).not.toHaveBeenCalled()
    },
  )

  test('of a password as long as any may be is found', async () => {
    const { hash, verify } = hasher()
    const accents = `e${'\u0301\u0316'.repeat(15)}`.repeat(33)
    expect(accents.length).toBeLessThanOrEqual(1024)
    expect((await verify(accents, await hash(accents))).matches).toBe(true)
  })

  test('that cannot be read matches nothing, rather than failing', async () => {
    const { hash, verify } = hasher()
    const phc = await hash('a good long password')
    for (const broken of [
      '',
      'x',
      `${phc}=`,
      phc.slice(0, -40),
      phc.replace('argon2id', 'argon2i'),
      phc.replace('m=8', 'm=0'),
    ]) {
      expect(await verify('a good long password', broken)).toEqual({ matches: false, needsRehash: false })
    }
  })

  test('cannot ask for unbounded memory or time', () => {
    const tail = '$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA'
    expect(parsePhc(`$argon2id$v=19$m=64,t=2,p=1${tail}`)).toBeDefined()
    for (const cost of [
      'm=9999999,t=2,p=1',
      'm=64,t=1000,p=1',
      'm=64,t=2,p=100',
      'm=7,t=1,p=1',
      'm=64,t=0,p=1',
      'm=064,t=1,p=1',
    ]) {
      expect(parsePhc(`$argon2id$v=19$${cost}${tail}`)).toBeUndefined()
    }
  })
})

describe('an account that does not exist', () => {
  test('costs a judgement like any other, and never matches', async () => {
    let salts = 0
    const { verify } = createPasswordHasher({
      random: length => {
        salts++
        return randomBytes(length)
      },
      parameters: cheap,
    })
    expect(await verify('a good long password', null)).toEqual({ matches: false, needsRehash: false })
    expect(salts).toBe(2)
  })

  test('waits in the same queue', async () => {
    const { verify } = hasher({ maxConcurrent: 1, maxQueue: 0 })
    const first = verify('a good long password', null)
    await expect(verify('a good long password', null)).rejects.toBeInstanceOf(PasswordQueueFull)
    expect((await first).matches).toBe(false)
  })
})

describe('a flood of passwords', () => {
  test('is refused beyond those that run and wait, with a time to come back', async () => {
    const { hash } = hasher({ maxConcurrent: 2, maxQueue: 3 })
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => hash('a good long password')))
    const refused = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
    expect(refused).toHaveLength(5)
    for (const reason of refused) {
      expect(reason).toBeInstanceOf(PasswordQueueFull)
      expect((reason as PasswordQueueFull).retryAfterSeconds).toBeGreaterThan(0)
      expect(String(reason)).not.toContain('a good long password')
    }
    expect(await hash('a good long password')).toMatch(/^\$argon2id/)
  })

  test('that runs is finished before close resolves; what waits is refused, and nothing new is taken', async () => {
    const { hash, close } = hasher({ maxConcurrent: 1 })
    const done: string[] = []
    const [running, ...waiting] = [1, 2, 3].map(() => hash('a good long password'))
    const closed = close().then(() => done.push('closed'))
    for (const one of [...waiting, hash('one more password')])
      await expect(one).rejects.toBeInstanceOf(PasswordQueueFull)
    await running?.then(() => done.push('hashed'))
    await closed
    expect(done).toEqual(['hashed', 'closed'])
    await close()
  })

  test('is refused sooner where imported hashes make each dear, and told how long the rest takes', async () => {
    const { verify } = createPasswordHasher({
      random: randomBytes,
      deriveKey: async (_message, derivation, bytes) => Buffer.alloc(derivation.scheme === 'bcrypt' ? 31 : bytes),
    })
    const judge = () => verify('a good long password', null, { importedWork: { bcrypt: 2 ** 14 } })
    const results = await Promise.allSettled(Array.from({ length: 100 }, judge))
    const refused = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
    // About 1.1 s each, two at once: what waits takes two seconds at most, and what runs another.
    expect(refused).toHaveLength(95)
    for (const { retryAfterSeconds } of refused as PasswordQueueFull[]) expect(retryAfterSeconds).toBe(3)
  })

  test('leaves the event loop free to answer', async () => {
    const { hash, close } = createPasswordHasher({ random: randomBytes })
    let turns = 0
    let running = true
    const turn = (): void => {
      turns++
      if (running) setImmediate(turn)
    }
    setImmediate(turn)
    await hash('a good long password')
    running = false
    await close()
    expect(turns).toBeGreaterThan(3)
  })
})
