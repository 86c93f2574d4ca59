import { createHash, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { readConfiguration, type VerifierOptions } from './configuration.ts'

const good: VerifierOptions = { issuer: 'https://id.example', audience: 'api' }

const feed = { clientId: 'a', clientSecret: 'b' }

test('GHSA-8fpg-xm3f-6cx3: every wrong option is an error, so that none leaves a door open', () => {
  const wrong: Record<string, unknown>[] = [
    { audiance: 'api' },
    { issuer: undefined },
    { issuer: '' },
    { issuer: 'id.example' },
    { issuer: 'ftp://id.example' },
    { issuer: 'http://id.example' },
    { jwksUri: 'http://id.example/keys' },
    { jwksUri: 'keys' },
    { types: [] },
    { types: 'at+jwt' },
    { types: [/jwt/] },
    { algorithms: 'ES256' },
    { clockToleranceSeconds: Number.NaN },
    { clockToleranceSeconds: -1 },
    { clockToleranceSeconds: '5' },
    { cacheBytes: Number.POSITIVE_INFINITY },
    { revocations: {} },
    { revocations: { clientId: 'a', clientSecret: '' } },
    { revocations: { clientId: 'a', clientSecret: 'b', whenstale: 'reject' } },
    { revocations: { clientId: 'a', clientSecret: 'b', whenStale: 'ignore' } },
    { revocations: { clientId: 'a', clientSecret: 'b', url: 'http://feed.example/' } },
    { revocations: { clientId: 'a', clientSecret: 'b', introspectionUrl: 'http://feed.example/' } },
    { requiredClaims: { token_use: undefined } },
    { secret: { from: 'issuer' } },
    { secret: { from: 'elsewhere' }, revocations: feed },
    { secret: { from: 'issuer' }, revocations: feed, audience: ['api', 'other'] },
    { secret: { from: 'issuer' }, revocations: feed, jwksUri: 'https://id.example/jwks' },
    { secret: { from: 'issuer' }, revocations: feed, algorithms: ['ES256'] },
    { secret: { from: 'issuer' }, revocations: feed, issuer: 'http://id.example' },
  ]
  for (const more of wrong) {
    expect(() => readConfiguration({ ...good, ...more } as VerifierOptions), JSON.stringify(more)).toThrow(TypeError)
  }
})

test('plain HTTP is for this machine, or for who says so', () => {
  for (const issuer of ['http://127.0.0.1:4400', 'http://localhost:4400', 'http://[::1]:4400', 'https://id.example']) {
    expect(readConfiguration({ ...good, issuer }).issuer).toBe(issuer)
  }
  for (const issuer of [
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://127.1.evil',
    'http://10.0.0.1',
  ]) {
    expect(() => readConfiguration({ ...good, issuer })).toThrow('plain HTTP')
  }
  expect(readConfiguration({ ...good, issuer: 'http://auth:4400', insecureHttp: true }).issuer).toBe('http://auth:4400')
})

test('no error about a secret shows the secret', () => {
  const secret = 'too short to be good'
  for (const more of [{ secret }, { revocations: { clientId: '', clientSecret: secret } }]) {
    try {
      readConfiguration({ ...good, ...more })
      throw new Error('it was accepted')
    } catch (fault) {
      expect(String(fault)).toMatch(/^TypeError/)
      expect(String(fault)).not.toContain(secret)
    }
  }
})

test('CVE-2026-34950: a public key in letters alone (an entry of `x5c`, PEM without its lines, hex) is refused as a secret; a secret written so is one', () => {
  const secretOf = (secret: string) => readConfiguration({ ...good, secret }).secrets
  for (const key of [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('ed25519')]) {
    const der = key.publicKey.export({ format: 'der', type: 'spki' })
    const pem = key.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const written = (['base64', 'base64url', 'hex'] as const).map(encoding => der.toString(encoding))
    for (const secret of [...written, pem.split('\n').slice(1, -2).join('\n'), ` ${written[0]}\n`]) {
      expect(() => secretOf(secret)).toThrow('looks like a key')
    }
  }
  const digest = createHash('sha512').update('a secret').digest()
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    expect(secretOf(digest.toString(encoding))).toHaveLength(1)
  }
})
