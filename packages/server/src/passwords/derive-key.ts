import { argon2, createCipheriv, createHash, pbkdf2, type ScryptOptions, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { BcryptThreads } from './bcrypt-threads.ts'
import { type Derivation, type ImportedHash, type ScryptParameters, scryptBytes } from './imported-hash.ts'

const argon2Key = promisify(argon2)
const pbkdf2Key = promisify(pbkdf2)
const scryptKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** Derives so many bytes beside the main thread. Of bcrypt it is the 31 characters that stand in a hash. */
export type DeriveKey = (message: string, derivation: Derivation, bytes: number) => Promise<Buffer>

export function createDeriveKey(bcrypt: BcryptThreads): DeriveKey {
  return async (message, derivation, bytes) => {
    switch (derivation.scheme) {
      case 'bcrypt': {
        const { cost, salt } = derivation
        return Buffer.from(await bcrypt.derive({ password: message, cost, salt }))
      }
      case 'pbkdf2':
        return pbkdf2Key(message, derivation.salt, derivation.iterations, bytes, derivation.digest)
      case 'scrypt':
        return scryptKey(message, derivation.salt, bytes, scryptOptions(derivation))
      default: {
        const { scheme, salt: nonce, memoryKib: memory, passes, lanes: parallelism } = derivation
        return argon2Key(scheme, { message, nonce, memory, passes, parallelism, tagLength: bytes })
      }
    }
  }
}

function scryptOptions(parameters: ScryptParameters): ScryptOptions {
  const { cost, blockSize, parallelization } = parameters
  return { cost, blockSize, parallelization, maxmem: scryptBytes(parameters) }
}

/** What the hash's tag is if the password is the one that was hashed. */
export async function deriveTag(password: string, hash: ImportedHash, derive: DeriveKey): Promise<Buffer> {
  const message = preparedFor(hash, password)
  if (hash.signerKey === undefined) return derive(message, hash, hash.tag.length)
  // Firebase: the key is AES-256's, in counter mode from zero, and what it encrypts is the project's signer key.
  const key = await derive(message, hash, 32)
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(hash.signerKey)
}

/** As it was typed: other systems compose no accents. */
function preparedFor({ prepared }: ImportedHash, password: string): string {
  if (prepared === 'nfkc') return password.normalize('NFKC')
  return prepared === 'sha256' ? createHash('sha256').update(password).digest('hex') : password
}
