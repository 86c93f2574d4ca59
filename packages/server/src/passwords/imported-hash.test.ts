import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { createBcryptThreads } from './bcrypt-threads.ts'
import { createDeriveKey, deriveTag } from './derive-key.ts'
import { parseImportedHash, schemeOf } from './imported-hash.ts'
import { idleWork, workOf } from './imported-work.ts'
import { createPasswordHasher } from './password-hasher.ts'

const { verify, close } = createPasswordHasher({
  random: randomBytes,
  parameters: { memoryKib: 8, passes: 1, lanes: 1 },
})
afterAll(close)

const password = 'correct horse battery'
const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
const ofHex = (hex: string): string => unpadded(Buffer.from(hex, 'hex'))
const signerKey = 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=='

/** Published vectors: what, how it is made, the hash, its password. */
const published = [
  ['bcrypt of Openwall', 'bcrypt', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  [
    'scrypt of RFC 7914 §12',
    'scrypt',
    `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.from('SodiumChloride'))}$${ofHex('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887')}`,
    'pleaseletmein',
  ],
  [
    'PBKDF2 of RFC 6070',
    'pbkdf2-sha1',
    `$pbkdf2-sha1$i=4096$${ofHex('73616c74')}$${ofHex('4b007901b765489abead49d926f721d065a429c1')}`,
    'password',
  ],
  [
    'PBKDF2 of RFC 7914 §11, of which the first block is compared',
    'pbkdf2-sha256',
    `$pbkdf2-sha256$i=1$${ofHex('73616c74')}$${ofHex('55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbca49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a1978')}`,
    'passwd',
  ],
  [
    'Firebase’s own example, as Supabase writes it',
    'firebase-scrypt',
    `$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=${signerKey}$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==`,
    'user1password',
  ],
] as const

/** Made by others: Python's bcrypt 4.0.1, argon2-cffi 25.1, passlib 1.7.4, hashlib, Django 5.2.19, Werkzeug 3. */
const madeByOthers = [
  ['bcrypt', '$2a$05$Jz8MOU9z5sUt4nW0OZZ6We/MxqrHNfv8y5P6Bc4EeA2TOKaGgtX6S'],
  ['bcrypt', '$2b$05$J4u2RakZUhC8sj4LpvvVzuy38/68RtqBdqLdbp1.RCHUxvuxBOgFS'],
  ['bcrypt', '$2y$05$J4u2RakZUhC8sj4LpvvVzuy38/68RtqBdqLdbp1.RCHUxvuxBOgFS'],
  ['bcrypt', 'bcrypt$$2b$05$JjkTLggrGNPFr8BCDPQq.uac4VQj863P5hY5gRsZtxqneKyb8NgCG'],
  ['bcrypt', 'bcrypt_sha256$$2b$05$AigS2deED3Vu/IudhbAPNekwn0E6gPYtVgf60AlNtW31IW.fhxWCi'],
  ['argon2id', '$argon2id$v=19$m=4096,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$+xVnr7YXTiWEzI4O+LqNlJKaOZgO78w3CLLdl2Q1mxg'],
  ['argon2i', '$argon2i$v=19$m=4096,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$1dRQTFAC64AUomnZLAay3swtL3hXhe0yaoxl46oKSFo'],
  [
    'argon2id',
    'argon2$argon2id$v=19$m=1024,t=2,p=8$c29tZXNhbHRzb21lc2FsdA$rBk3ksge9M+CAexP78SEnEW5kXKZq3kKL3MVtXhp40s',
  ],
  ['pbkdf2-sha256', '$pbkdf2-sha256$1000$................$GNxu.IkmEalKwjhSfol8IvQOGNujFKY6erAzuLBeHCA'],
  [
    'pbkdf2-sha512',
    '$pbkdf2-sha512$1000$CAGAUEqp1Xpv7f2/1zrnHA$z./E6/pp09fDC7G2QgNnLQvaJrvO73n9T0F4sQ9cBmnz.AC5ItoBx8o3U1rwUSuoj6oZgdVYVg3vUVNvmRGqeA',
  ],
  [
    'pbkdf2-sha1',
    '$pbkdf2-sha1$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$rDjxw4qmzpl4HTyqLNYNsdE5Zi5hOVtuAtSpIuv9sre4VuMqmB4GODFe6Wixy274SVuULGbsfRdOmmfrHd+XnQ',
  ],
  [
    'pbkdf2-sha256',
    '$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$BVALGMmC/K/8ELErc5VgJxyPFApArIZRCQsqjEgZWJ6MwvrqvCpwLuP/5ugtnLwaptyhKgF8nj7WtD3ieyZB6Q',
  ],
  ['pbkdf2-sha256', '$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$BVALGMmC/K/8ELErc5VgJxyPFApArIZRCQsqjEgZWJ4'],
  [
    'pbkdf2-sha512',
    '$pbkdf2-sha512$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$7F/Y1rnWXXurLCfFvAmyjyXtbABhgzBTBNcm//wlnvGBOz7OExlgRFs5qwaY5PzB3/WjR7P4yv/ACDQZpDXIfQ',
  ],
  ['pbkdf2-sha256', 'pbkdf2_sha256$1000$hJ3kq9LmZtWx0Aa1Bb2Cc3$dqPvO3fA8xdiDJ7NXiRvrFnBVLuxO6ctcFheI2BTrFk='],
  ['pbkdf2-sha1', 'pbkdf2_sha1$1000$hJ3kq9LmZtWx0Aa1Bb2Cc3$wJEKSzWxF35G6hBOChMJwQqRqmI='],
  [
    'pbkdf2-sha256',
    'pbkdf2:sha256:1000$aZI11wjy59ZA1lNE$708bb54fd5ca6177e4a101669661fa33f340a0457774182257c7cb3d6e5c747c',
  ],
  ['scrypt', '$scrypt$ln=10,r=8,p=1$c07p3VtLCWEsJWTsnfN+rw$c6tnzy2YcJVabxYorMHDCldzF+dNTV9lxP1Cj9v6FDI'],
  [
    'scrypt',
    'scrypt$1024$hJ3kq9LmZtWx0Aa1Bb2Cc3$8$1$7IE3EJFaOXU1vfBWeZxYL2tl9JWz+8SrgV7gEJKj81ay8ea6Qq8FoeF1AJW+XR0wcIrM0mABP9/Hkrpjqshfaw==',
  ],
  [
    'scrypt',
    'scrypt:1024:8:1$txs1kus7uLZE7fNB$8d2aaf43d76b046fd1278caafe06ab42805ebd916158af0985b841928d608c6680a4ebce1b2f1c3fb930db01941025e48aa1fae862ef9e068ba28d3018cb207c',
  ],
] as const

describe('an imported hash', () => {
  test.each(published)('%s matches its password and no other', async (_what, scheme, hash, secret) => {
    expect(schemeOf(parseImportedHash(hash) as never)).toBe(scheme)
    expect(await verify(secret, hash)).toEqual({ matches: true, needsRehash: true })
    expect(await verify(`${secret}x`, hash)).toEqual({ matches: false, needsRehash: false })
  })

  test.each(madeByOthers)('of %s, as another implementation has made it, matches: %s', async (scheme, hash) => {
    expect(schemeOf(parseImportedHash(hash) as never)).toBe(scheme)
    expect(await verify(password, hash)).toEqual({ matches: true, needsRehash: true })
    expect((await verify(password.toUpperCase(), hash)).matches).toBe(false)
    expect((await verify('', hash)).matches).toBe(false)
  })

  test('of better-auth (made by its 1.7.5) is one of the password in NFKC, under the text of the salt', async () => {
    const hash =
      'b9ac6a533e78c5122038f519929cdba6:79c028747871b9657a363dd71be7e2283b0023dae6983be7285ad38d43cc8e24b29ef9dcdfd80cfc7db1361619de6c7eb6ba97a617e4d483c58c42b5a7135a11'
    expect((await verify('ｐassword ﬁ é', hash)).matches).toBe(true)
    expect((await verify('password fi é', hash)).matches).toBe(true)
    expect((await verify('password', hash)).matches).toBe(false)
  })

  test('is compared with what was typed: other systems compose no accents', async () => {
    const hash = '$2b$05$A2W9l826A11Fq774TifyIuCrzZ7GDx7jVn9B4Ybfk19CLpX8NAKTO'
    expect((await verify('Zwölf Boxkämpfer jagen', hash)).matches).toBe(true)
    expect((await verify('Zwölf Boxkämpfer jagen'.normalize('NFD'), hash)).matches).toBe(false)
  })

  test('of bcrypt knows the first 72 bytes, be it that they end within a letter, and no password with a NUL', async () => {
    const [whole, cut] = [
      '$2b$05$jX0gJ2UuAQ3Kzwt/O/Z7auXeG1i85TbF6xikRf1M1ODDot8EoKMk2',
      '$2b$05$KKrAGmW6GCOVqN9bc49sEOVzZGYyWSgfMlo9GfnWP33zALke4.2/m',
    ]
    for (const tail of ['', 'a', ' and so on'])
      expect((await verify(`${'ä'.repeat(36)}${tail}`, whole)).matches).toBe(true)
    expect((await verify('ä'.repeat(35), whole)).matches).toBe(false)
    expect((await verify(`x${'ä'.repeat(40)}`, cut)).matches).toBe(true)
    expect((await verify(`x${'ä'.repeat(34)}`, cut)).matches).toBe(false)
    expect((await verify(`${'ä'.repeat(36)}\0`, whole)).matches).toBe(false)
    expect((await verify('U*U\0', published[0][2])).matches).toBe(false)
  })

  test('matches no password with a lone surrogate, which shares its bytes with others', async () => {
    const hash = parseImportedHash(madeByOthers[0][1])
    expect(hash).toBeDefined()
    expect((await verify('\ud800', madeByOthers[0][1])).matches).toBe(false)
  })
})

const salt = 'c29tZXNhbHRzb21lc2FsdA'
const tag = 'dRQTFAC64AUomnZLAay3swtL3hXhe0yaoxl46oKSFo0'
const bcryptTail = 'J4u2RakZUhC8sj4LpvvVzuy38/68RtqBdqLdbp1.RCHUxvuxBOgFS'

describe('is refused, and never judged:', () => {
  test.each([
    ['more memory than a node has to spare', `$argon2id$v=19$m=262145,t=1,p=1$${salt}$${tag}`],
    ['memory times passes', `$argon2id$v=19$m=262144,t=3,p=1$${salt}$${tag}`],
    ['too many lanes', `$argon2id$v=19$m=4096,t=1,p=17$${salt}$${tag}`],
    ['passes that each start sixteen threads', `$argon2i$v=19$m=128,t=4096,p=16$${salt}$${tag}`],
    ['no pass', `$argon2id$v=19$m=4096,t=0,p=1$${salt}$${tag}`],
    ['less memory than the lanes need', `$argon2id$v=19$m=31,t=1,p=4$${salt}$${tag}`],
    ['the version before', `$argon2id$v=16$m=4096,t=1,p=1$${salt}$${tag}`],
    ['the variant that leaks to whoever watches the memory', `$argon2d$v=19$m=4096,t=1,p=1$${salt}$${tag}`],
    ['an argon2 salt of seven bytes', `$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbA$${tag}`],
    ['another order of parameters', `$argon2id$v=19$t=1,m=4096,p=1$${salt}$${tag}`],
    ['a number with a zero before it', `$argon2id$v=19$m=04096,t=1,p=1$${salt}$${tag}`],
    ['a tag of eleven bytes', `$argon2id$v=19$m=4096,t=1,p=1$${salt}$dRQTFAC64AUomng`],
    ['stray bits in base64', `$argon2id$v=19$m=4096,t=1,p=1$${salt}$${tag.slice(0, -1)}1`],
    ['scrypt beyond 256 MiB', `$scrypt$ln=19,r=8,p=1$${salt}$${tag}`],
    ['scrypt that takes seconds', `$scrypt$ln=17,r=8,p=3$${salt}$${tag}`],
    ['an N that scrypt has not with this r', `$scrypt$ln=16,r=1,p=1$${salt}$${tag}`],
    ['scrypt with larger blocks than OpenSSL has room for', `$scrypt$ln=1,r=8192,p=1$${salt}$${tag}`],
    ['scrypt of little N and huge blocks', `$scrypt$ln=1,r=1048576,p=1$${salt}$${tag}`],
    ['scrypt of little N a million times', `$scrypt$ln=1,r=1,p=1048576$${salt}$${tag}`],
    ['scrypt with a block more than 64', `$scrypt$ln=4,r=65,p=1$${salt}$${tag}`],
    ['scrypt with a lane more than 64', `$scrypt$ln=4,r=8,p=65$${salt}$${tag}`],
    ['no N', `$scrypt$ln=0,r=8,p=1$${salt}$${tag}`],
    ['an N beyond all numbers', `$scrypt$ln=999999999,r=8,p=1$${salt}$${tag}`],
    ['an N that is no power of two', `scrypt$1000$salt$8$1$${tag}=`],
    ['PBKDF2 that takes seconds', `$pbkdf2-sha256$i=2000001$${salt}$${tag}`],
    ['PBKDF2 without a pass', `$pbkdf2-sha256$i=0$${salt}$${tag}`],
    ['PBKDF2 with MD5', `$pbkdf2-md5$i=1000$${salt}$${tag}`],
    ['bcrypt that takes seconds', `$2b$15$${bcryptTail}`],
    ['bcrypt beyond its own bounds', `$2b$03$${bcryptTail}`],
    ['bcrypt as it was before it was mended', `$2x$05$${bcryptTail}`],
    ['a cut bcrypt', `$2b$05$${bcryptTail.slice(1)}`],
    ['a line end', `$2b$05$${bcryptTail}\n`],
    ['a signer key of another length than the tag', `$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=AAAA$${salt}$${tag}`],
    ['Django’s mark for no password', '!hJ3kq9LmZtWx0Aa1Bb2Cc3'],
    ['a bare digest', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['the C library’s', '$6$rounds=5000$saltsalt$abcdefghijklmnop'],
    ['a long text', `$pbkdf2-sha256$i=1000$${'A'.repeat(1_000)}$${tag}`],
    ['nothing', ''],
  ])('%s', (_what, text) => {
    expect(parseImportedHash(text)).toBeUndefined()
  })

  test.each([
    `$argon2id$v=19$m=262144,t=2,p=16$${salt}$${tag}`,
    `$argon2i$v=19$m=8192,t=64,p=16$${salt}$${tag}`,
    `$scrypt$ln=18,r=8,p=1$${salt}$${tag}`,
    `$scrypt$ln=1,r=64,p=64$${salt}$${tag}`,
    `$scrypt$ln=9,r=64,p=64$${salt}$${tag}`,
    `$scrypt$ln=15,r=1,p=64$${salt}$${tag}`,
    `$pbkdf2-sha512$i=2000000$${salt}$${tag}`,
    `$2b$04$${bcryptTail}`,
    `$2b$14$${bcryptTail}`,
  ])('but what stands at the bounds is taken, and can be judged: %s', async text => {
    const hash = parseImportedHash(text)
    if (hash === undefined) throw new Error('refused')
    const bcrypt = createBcryptThreads()
    const deriveKey = createDeriveKey(bcrypt)
    expect((await deriveTag(password, hash, deriveKey)).length).toBe(hash.tag.length)
    const { kind, amount } = workOf(hash)
    for (const { salt: _, ...parameters } of idleWork(kind, amount, randomBytes)) expect(hash).toMatchObject(parameters)
    await bcrypt.close()
  })
})
