import { isRefusal } from '@countersign/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVerifier } from './create-verifier.ts'
import { findToken } from './http/find-token.ts'
import { parseStrictObject } from './strict-json.ts'
import { holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import type { Verifier } from './verifier.ts'

const time = holdTime()
let issuer: TestIssuer
let verifier: Verifier
let token: string

beforeAll(async () => {
  issuer = await startIssuer(time.nowSeconds)
  verifier = createVerifier({ issuer: issuer.url, audience: 'api', cooldownSeconds: 1e6, ...time.runtime })
  await verifier.ready()
  const now = time.nowSeconds()
  token = issuer.signer.sign({ iss: issuer.url, sub: 'user-1', aud: 'api', iat: now, exp: now + 900 })
  expect(verifier.verify(token)).toMatchObject({ refused: false })
})

afterAll(async () => {
  verifier.close()
  await issuer.close()
})

test('whatever is changed in a good token, anywhere, it is refused and nothing is thrown', async () => {
  const place = fc.nat({ max: token.length })
  const patch = fc.oneof(
    fc.string({ maxLength: 4, unit: 'binary' }),
    fc.constantFrom('', '.', '=', '\n', 'A', '-', '_'),
  )
  await fc.assert(
    fc.asyncProperty(place, fc.nat({ max: 5 }), patch, async (start, length, text) => {
      const changed = token.slice(0, start) + text + token.slice(start + length)
      if (changed === token) return
      expect(isRefusal(await verifier.verify(changed))).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('whatever stands in the headers of a request, a token is found or refused, and nothing is thrown', () => {
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(
        fc.constantFrom('Bearer', 'bearer', 'DPoP', 'Basic', 'token='),
        fc.constantFrom('', ' ', '  ', ','),
        fc.string(),
      )
      .map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(
      fc.array(header, { maxLength: 3 }),
      fc.array(header, { maxLength: 3 }),
      header,
      (authorization, cookie, target) => {
        const view = {
          method: 'GET',
          target: `/${target}`,
          header: (name: string) => (name === 'authorization' ? authorization : name === 'cookie' ? cookie : []),
        }
        const found = findToken(view, 'token')
        if ('refused' in found) expect(found.reason).toMatch(/^token_(missing|malformed|ambiguous)$/)
        else expect(found.token).toMatch(/^[A-Za-z0-9\-._~+/]+=*$/)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('every object that JSON can say is read as it is, and frozen all the way down', () => {
  const isDeepFrozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen))
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })),
      fc.constantFrom(undefined, 2),
      (object, indent) => {
        const text = JSON.stringify(object, null, indent)
        const read = parseStrictObject(Buffer.from(text))
        if (text.includes('"__proto__"')) return
        expect(JSON.stringify(read)).toBe(JSON.stringify(object))
        expect(isDeepFrozen(read)).toBe(true)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('an object in which any name comes twice is refused', () => {
  const names = fc.string({ maxLength: 6 }).filter(name => name !== '__proto__')
  fc.assert(
    fc.property(
      names,
      fc.jsonValue(),
      fc.jsonValue(),
      fc.jsonValue(),
      fc.constantFrom('', ' ', '\n\t'),
      (name, a, b, c, space) => {
        const key = JSON.stringify(name)
        const inner = `{${key}${space}:${JSON.stringify(a)},"x y":${JSON.stringify(b)},${space}${key}:${JSON.stringify(c)}}`
        for (const text of [inner, `{"deep":[1,${inner}]}`])
          expect(parseStrictObject(Buffer.from(text))).toBeUndefined()
      },
    ),
    { numRuns: 1_000 },
  )
})
