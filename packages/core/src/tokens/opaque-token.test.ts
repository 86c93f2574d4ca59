import { describe, expect, test } from 'vitest'
import { sampleRandom } from '../sample-rows.ts'
import { countersignMatches } from './countersign.ts'
import { mintOpaqueToken, openOpaqueToken } from './opaque-token.ts'

const keys = { sealingKey: Buffer.alloc(32, 1), countersignKey: Buffer.alloc(32, 2), random: sampleRandom() }
const claims = { iss: 'https://login.example', sub: 'maria ☃', aud: ['urn:notes'], exp: 2, iat: 1, client_id: 'app' }
const token = mintOpaqueToken(keys, claims)

describe('an opaque access token', () => {
  test('says nothing to who cannot open it, and everything to who can', () => {
    expect(token).toMatch(/^cs_at_[\w-]+$/)
    const read = Buffer.from(token.slice(6), 'base64url').toString('latin1')
    for (const word of ['maria', 'urn:notes', 'login.example']) expect(read).not.toContain(word)
    const opened = openOpaqueToken(keys.sealingKey, token)
    expect(opened).toEqual({ ...claims, jti: expect.stringMatching(/^[\w-]{38}$/) })
    expect(opened && countersignMatches(keys.countersignKey, opened)).toBe(true)
  })

  test('is another each time, for the same claims', () => {
    const other = mintOpaqueToken(keys, claims)
    expect(other).not.toBe(token)
    expect(openOpaqueToken(keys.sealingKey, other)?.jti).not.toBe(openOpaqueToken(keys.sealingKey, token)?.jti)
  })

  test('attack 10 (CVE-2026-27840): cut by any number of letters, at either end, it is none', () => {
    for (let cut = 1; cut <= token.length; cut++) {
      expect(openOpaqueToken(keys.sealingKey, token.slice(0, -cut))).toBeUndefined()
      expect(openOpaqueToken(keys.sealingKey, token.slice(cut))).toBeUndefined()
      expect(openOpaqueToken(keys.sealingKey, `cs_at_${token.slice(6 + cut)}`)).toBeUndefined()
    }
  })

  test('with any letter changed, or one more, it is none', () => {
    for (let index = 0; index < token.length; index++) {
      const letter = token[index] === 'A' ? 'B' : 'A'
      expect(openOpaqueToken(keys.sealingKey, token.slice(0, index) + letter + token.slice(index + 1))).toBeUndefined()
    }
    for (const more of ['A', '=', ' ', '\n', '.', 'AAAA']) {
      expect(openOpaqueToken(keys.sealingKey, token + more)).toBeUndefined()
    }
  })

  test('opens under its own key alone', () => {
    expect(openOpaqueToken(Buffer.alloc(32, 3), token)).toBeUndefined()
    expect(openOpaqueToken(keys.sealingKey, 'cs_at_')).toBeUndefined()
    expect(openOpaqueToken(keys.sealingKey, `cs_at_${'A'.repeat(10_000)}`)).toBeUndefined()
  })
})
