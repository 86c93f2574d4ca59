import type { Argon2Parameters } from './phc-string.ts'

/** A password hash that another system has made, taken apart. */
export type ImportedHash = Derivation & {
  /** What the password has to lead to. */
  readonly tag: Buffer
  /** What was hashed, where it is not what was typed: Unicode's NFKC, or the SHA-256 of it in hex. */
  readonly prepared?: 'nfkc' | 'sha256'
  /** The derived key has encrypted this (Firebase): the tag is the outcome. */
  readonly signerKey?: Buffer
}

/** How a key is derived, with the salt. */
export type Derivation =
  | ({ readonly scheme: 'argon2id' | 'argon2i'; readonly salt: Buffer } & Argon2Parameters)
  | ({ readonly scheme: 'scrypt'; readonly salt: Buffer } & ScryptParameters)
  | { readonly scheme: 'pbkdf2'; readonly digest: Pbkdf2Digest; readonly iterations: number; readonly salt: Buffer }
  /** The salt as it is written: 22 characters of bcrypt's own base64. */
  | { readonly scheme: 'bcrypt'; readonly cost: number; readonly salt: string }

export type Pbkdf2Digest = 'sha1' | 'sha256' | 'sha512'

/** RFC 7914 §2. */
export interface ScryptParameters {
  /** `N`, a power of two. */
  readonly cost: number
  /** `r`. */
  readonly blockSize: number
  /** `p`. */
  readonly parallelization: number
}

/** What one judgement may cost: a second or two of one core, and 256 MiB. More would let a file of users stop a node. */
const importedHashBounds = {
  argon2: { memoryKibAtMost: 262_144, memoryKibTimesPassesAtMost: 524_288, passesAtMost: 64, lanesAtMost: 16 },
  // A MiB beside the 256: what `r` and `p` need besides `N`.
  scrypt: {
    bytesAtMost: 269_484_032,
    costTimesBlocksAtMost: 2_097_152,
    blockSizeAtMost: 64,
    parallelizationAtMost: 64,
  },
  pbkdf2: { iterationsAtMost: 2_000_000 },
  bcrypt: { costAtLeast: 4, costAtMost: 14 },
} as const

const charactersAtMost = 1_024
const saltBytesAtMost = 128
const tagBytes = { atLeast: 16, atMost: 128 } as const
export const digestBytes: Readonly<Record<Pbkdf2Digest, number>> = { sha1: 20, sha256: 32, sha512: 64 }

type Read = (parts: readonly string[]) => ImportedHash | undefined

const number = '(0|[1-9]\\d{0,8})'
const base64 = '([A-Za-z0-9+/]+={0,2})'
const unpadded = '([A-Za-z0-9+/]+)'

/** Each form of the field with what reads it. A text that fits none, or is out of bounds, is no hash that can be judged. */
const forms: readonly (readonly [form: RegExp, read: Read])[] = [
  // PHC strings; Django writes the name of its hasher before.
  [
    anchored(`(?:argon2)?\\$(argon2id?)\\$v=19\\$m=${number},t=${number},p=${number}\\$${unpadded}\\$${unpadded}`),
    readArgon2,
  ],
  [anchored(`\\$scrypt\\$ln=${number},r=${number},p=${number}\\$${unpadded}\\$${unpadded}`), readScrypt],
  [anchored(`\\$pbkdf2-(sha1|sha256|sha512)\\$i=${number}(?:,l=\\d{1,3})?\\$${unpadded}\\$${unpadded}`), readPbkdf2],
  // passlib: a dot stands for the plus.
  [anchored(`\\$pbkdf2-(sha256|sha512)\\$${number}\\$([A-Za-z0-9./]+)\\$([A-Za-z0-9./]+)`), readPasslibPbkdf2],
  // bcrypt; Django's names before it, of which one hashes the SHA-256 of the password.
  [/^(?:bcrypt\$|(bcrypt_sha256)\$)?\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/, readBcrypt],
  // Django.
  [anchored(`pbkdf2_(sha1|sha256)\\$${number}\\$([^$]+)\\$${base64}`), readDjangoPbkdf2],
  [anchored(`scrypt\\$${number}\\$([^$]+)\\$${number}\\$${number}\\$${base64}`), readDjangoScrypt],
  // Werkzeug.
  [anchored(`pbkdf2:(sha1|sha256|sha512):${number}\\$([^$]+)\\$((?:[0-9a-f]{2})+)`), readWerkzeugPbkdf2],
  [anchored(`scrypt:${number}:${number}:${number}\\$([^$]+)\\$((?:[0-9a-f]{2})+)`), readWerkzeugScrypt],
  // Firebase, as Supabase writes it.
  [
    anchored(`\\$fbscrypt\\$v=1,n=${number},r=${number},p=${number},ss=${base64},sk=${base64}\\$${base64}\\$${base64}`),
    readFirebase,
  ],
  // better-auth: the salt is the hex itself, not its bytes.
  [/^([0-9a-f]{32}):([0-9a-f]{128})$/, readBetterAuth],
]

/** `undefined` for what is no hash that can be judged here: another form, or parameters out of bounds. */
export function parseImportedHash(text: string): ImportedHash | undefined {
  if (text.length > charactersAtMost) return undefined
  for (const [form, read] of forms) {
    const found = form.exec(text)
    if (found === null) continue
    const hash = read(found.slice(1))
    return hash !== undefined && isWithinBounds(hash) ? hash : undefined
  }
  return undefined
}

/** In words, for the operator and the audit log: nothing of a hash but how it was made. */
export function schemeOf(hash: ImportedHash): string {
  if (hash.scheme === 'pbkdf2') return `pbkdf2-${hash.digest}`
  return hash.signerKey === undefined ? hash.scheme : 'firebase-scrypt'
}

function anchored(form: string): RegExp {
  return new RegExp(`^${form}$`)
}

function readArgon2([scheme, memory, passes, lanes, salt = '', tag = '']: readonly string[]): ImportedHash | undefined {
  if (scheme !== 'argon2id' && scheme !== 'argon2i') return undefined
  const cost = { memoryKib: Number(memory), passes: Number(passes), lanes: Number(lanes) }
  return withBytes(salt, tag, bytes => ({ scheme, ...cost, ...bytes }))
}

function readScrypt([exponent, blockSize, parallelization, salt = '', tag = '']: readonly string[]) {
  return withBytes(salt, tag, bytes => scryptHash([2 ** Number(exponent), blockSize, parallelization], bytes))
}

function readPbkdf2([digest, iterations, salt = '', tag = '']: readonly string[]): ImportedHash | undefined {
  return withBytes(salt, tag, bytes => pbkdf2Hash(digest, iterations, bytes))
}

function readPasslibPbkdf2([digest, iterations, salt = '', tag = '']: readonly string[]): ImportedHash | undefined {
  return readPbkdf2([digest ?? '', iterations ?? '', salt.replaceAll('.', '+'), tag.replaceAll('.', '+')])
}

function readBcrypt([sha256, cost, salt = '', tag = '']: readonly (string | undefined)[]): ImportedHash {
  const prepared = sha256 === undefined ? {} : { prepared: 'sha256' as const }
  return { scheme: 'bcrypt', cost: Number(cost), salt, tag: Buffer.from(tag), ...prepared }
}

function readDjangoPbkdf2([digest, iterations, salt = '', tag = '']: readonly string[]): ImportedHash | undefined {
  const bytes = bytesOf(tag)
  return bytes && pbkdf2Hash(digest, iterations, { salt: Buffer.from(salt), tag: bytes })
}

function readDjangoScrypt([cost, salt = '', blockSize, parallelization, tag = '']: readonly string[]) {
  const bytes = bytesOf(tag)
  return bytes && scryptHash([cost, blockSize, parallelization], { salt: Buffer.from(salt), tag: bytes })
}

function readWerkzeugPbkdf2([digest, iterations, salt = '', tag = '']: readonly string[]): ImportedHash {
  return pbkdf2Hash(digest, iterations, { salt: Buffer.from(salt), tag: Buffer.from(tag, 'hex') })
}

function readWerkzeugScrypt([cost, blockSize, parallelization, salt = '', tag = '']: readonly string[]): ImportedHash {
  const bytes = { salt: Buffer.from(salt), tag: Buffer.from(tag, 'hex') }
  return scryptHash([cost, blockSize, parallelization], bytes)
}

function readFirebase(parts: readonly string[]): ImportedHash | undefined {
  const [exponent, blockSize, parallelization, separator = '', key = '', salt = '', tag = ''] = parts
  const [signerKey, saltSeparator] = [bytesOf(key), bytesOf(separator)]
  // The tag is the signer key encrypted, and so as long as it.
  if (signerKey === undefined || saltSeparator === undefined) return undefined
  return withBytes(salt, tag, bytes => {
    if (bytes.tag.length !== signerKey.length) return undefined
    const salted = { ...bytes, salt: Buffer.concat([bytes.salt, saltSeparator]) }
    return { ...scryptHash([2 ** Number(exponent), blockSize, parallelization], salted), signerKey }
  })
}

function readBetterAuth([salt = '', tag = '']: readonly string[]): ImportedHash {
  const bytes = { salt: Buffer.from(salt), tag: Buffer.from(tag, 'hex') }
  return { ...scryptHash([16_384, 16, 1], bytes), prepared: 'nfkc' }
}

interface Bytes {
  readonly salt: Buffer
  readonly tag: Buffer
}

function scryptHash(parameters: readonly (string | number | undefined)[], { salt, tag }: Bytes): ImportedHash {
  const [cost = 0, blockSize = 0, parallelization = 0] = parameters.map(Number)
  return { scheme: 'scrypt', cost, blockSize, parallelization, salt, tag }
}

/** Of a longer key only what one digest gives is compared: its blocks are made one by one, each at the price of the first. */
function pbkdf2Hash(name: string | undefined, iterations: string | undefined, { salt, tag }: Bytes): ImportedHash {
  const digest = name as Pbkdf2Digest
  const compared = tag.subarray(0, digestBytes[digest])
  return { scheme: 'pbkdf2', digest, iterations: Number(iterations), salt, tag: compared }
}

function withBytes(
  salt: string,
  tag: string,
  make: (bytes: Bytes) => ImportedHash | undefined,
): ImportedHash | undefined {
  const [saltBytes, tagOf] = [bytesOf(salt), bytesOf(tag)]
  return saltBytes && tagOf && make({ salt: saltBytes, tag: tagOf })
}

/** Base64 with or without padding, and without stray bits: what is written differently is another text. */
function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  const whole = bytes.toString('base64')
  return text === whole || text === whole.replace(/=+$/, '') ? bytes : undefined
}

function isWithinBounds(hash: ImportedHash): boolean {
  if (hash.scheme === 'bcrypt') {
    const { costAtLeast, costAtMost } = importedHashBounds.bcrypt
    return hash.cost >= costAtLeast && hash.cost <= costAtMost
  }
  const { salt, tag } = hash
  if (salt.length === 0 || salt.length > saltBytesAtMost) return false
  if (tag.length < tagBytes.atLeast || tag.length > tagBytes.atMost) return false
  if (hash.scheme === 'pbkdf2') {
    return hash.iterations >= 1 && hash.iterations <= importedHashBounds.pbkdf2.iterationsAtMost
  }
  return hash.scheme === 'scrypt' ? scryptIsWithinBounds(hash) : argon2IsWithinBounds(hash, salt)
}

/** RFC 7914 §2: `N` is a power of two, greater than one and less than 2^(128 r / 8). */
function scryptIsWithinBounds(parameters: ScryptParameters): boolean {
  const { cost, blockSize, parallelization } = parameters
  const { bytesAtMost, costTimesBlocksAtMost, blockSizeAtMost, parallelizationAtMost } = importedHashBounds.scrypt
  const isPowerOfTwo = Number.isSafeInteger(cost) && cost > 1 && Number.isInteger(Math.log2(cost))
  if (!isPowerOfTwo || blockSize < 1 || parallelization < 1 || Math.log2(cost) >= 16 * blockSize) return false
  if (blockSize > blockSizeAtMost || parallelization > parallelizationAtMost) return false
  return scryptBytes(parameters) <= bytesAtMost && cost * blockSize * parallelization <= costTimesBlocksAtMost
}

/** All that OpenSSL takes for one derivation: `V`, `B`, and two blocks to work in. With less it refuses. */
export function scryptBytes({ cost, blockSize, parallelization }: ScryptParameters): number {
  return 128 * blockSize * (cost + parallelization + 2)
}

/** RFC 9106 §3.1: 8 KiB a lane, and 8 bytes of salt at least. */
function argon2IsWithinBounds({ memoryKib, passes, lanes }: Argon2Parameters, salt: Buffer): boolean {
  const { memoryKibAtMost, memoryKibTimesPassesAtMost, passesAtMost, lanesAtMost } = importedHashBounds.argon2
  if (passes < 1 || passes > passesAtMost || lanes < 1 || lanes > lanesAtMost || salt.length < 8) return false
  return memoryKib >= 8 * lanes && memoryKib <= memoryKibAtMost && memoryKib * passes <= memoryKibTimesPassesAtMost
}
