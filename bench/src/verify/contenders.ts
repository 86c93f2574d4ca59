import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { createVerifier } from '@countersign/verify'
import { createVerifier as createFastJwtVerifier } from 'fast-jwt'
import { importJWK, jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import type { IssuerFacts } from './issuer.ts'

/** Judges a token; anything but true, or a promise of true, is a mistake of the benchmark. */
export interface Contender {
  readonly verify: (token: string) => boolean | Promise<boolean>
  /** Calls under way at once, for those that answer by promise. */
  readonly inFlight: number
}

export interface ContenderOptions {
  readonly facts: IssuerFacts
  /** How many tokens it should be able to remember; 0 for none, where it can be told. */
  readonly remembered: number
}

export type Make = (options: ContenderOptions) => Contender | Promise<Contender>

export type ContenderName =
  | 'countersign'
  | 'countersign, cache for all'
  | 'fast-jwt'
  | 'jsonwebtoken'
  | 'jose'
  | 'jose, 16 in flight'
  | 'crypto.verify alone'

/** Each as its own documentation would have it for speed, with the same checks as far as it has them. */
export const contenders: Readonly<Record<ContenderName, Make>> = {
  countersign: ({ facts }) => countersignContender(facts, {}),
  // About 3 KiB a token are counted.
  'countersign, cache for all': ({ facts, remembered }) =>
    countersignContender(facts, { cacheBytes: Math.max(16 * 2 ** 20, remembered * 8192) }),
  'fast-jwt': ({ facts, remembered }) => {
    const check = createFastJwtVerifier({
      key: pemOf(facts),
      algorithms: ['ES256'],
      allowedIss: facts.issuer,
      allowedAud: facts.audience,
      checkTyp: 'at+jwt',
      cache: remembered,
    })
    return { inFlight: 1, verify: token => check(token).sub !== undefined }
  },
  jsonwebtoken: ({ facts }) => {
    const key = publicKeyOf(facts)
    const options = { algorithms: ['ES256' as const], issuer: facts.issuer, audience: facts.audience }
    return { inFlight: 1, verify: token => jsonwebtoken.verify(token, key, options) !== undefined }
  },
  jose: options => joseContender(options, 1),
  'jose, 16 in flight': options => joseContender(options, 16),
  'crypto.verify alone': ({ facts }) => {
    // The same message again and again, already decoded: what no verifier can undercut without a memory.
    const message = Buffer.alloc(700, 'm')
    const key = publicKeyOf(facts)
    const signature = sign('sha256', message, createPrivateKey({ key: facts.signingKey, format: 'jwk' }))
    return { inFlight: 1, verify: () => verify('sha256', message, key, signature) }
  },
}

async function countersignContender(facts: IssuerFacts, more: { cacheBytes?: number }): Promise<Contender> {
  const verifier = createVerifier({
    issuer: facts.issuer,
    audience: facts.audience,
    revocations: { clientId: 'api', clientSecret: 'secret', whenStale: 'reject' },
    ...more,
  })
  await verifier.ready()
  return {
    inFlight: 1,
    verify: token => {
      const result = verifier.verify(token)
      return result instanceof Promise ? result.then(late => !late.refused) : !result.refused
    },
  }
}

async function joseContender({ facts }: ContenderOptions, inFlight: number): Promise<Contender> {
  const key = await importJWK({ ...publicKeyOf(facts).export({ format: 'jwk' }), alg: 'ES256' })
  const options = { algorithms: ['ES256'], issuer: facts.issuer, audience: facts.audience, typ: 'at+jwt' }
  return { inFlight, verify: async token => (await jwtVerify(token, key, options)).payload.sub !== undefined }
}

function publicKeyOf({ signingKey }: IssuerFacts): KeyObject {
  return createPublicKey({ key: signingKey, format: 'jwk' })
}

function pemOf(facts: IssuerFacts): string {
  return publicKeyOf(facts).export({ format: 'pem', type: 'spki' }).toString()
}
