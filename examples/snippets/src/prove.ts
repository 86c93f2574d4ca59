/*
 * A JWT, signed with a key of its own in `proof-key.json`:
 *
 *   node prove.ts proof POST https://login.example.com/token [nonce]     a DPoP proof (RFC 9449 §4.2); to call an API
 *                                                                        with the token in ACCESS_TOKEN
 *   node prove.ts assertion ledger https://login.example.com             a client's assertion (RFC 7523 §3)
 *   node prove.ts key                                                    the public key, as a JWK
 *   node prove.ts thumbprint                                             its thumbprint (RFC 7638)
 */
import { createHash, createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const file = process.env.PROOF_KEY ?? 'proof-key.json'
if (!existsSync(file)) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(file, JSON.stringify(privateKey.export({ format: 'jwk' })), { mode: 0o600 })
}
const key = createPrivateKey({ key: JSON.parse(readFileSync(file, 'utf8')), format: 'jwk' })
const { kty, crv, x, y, d: _private } = key.export({ format: 'jwk' })

const [what, subject = '', address = '', nonce] = process.argv.slice(2)
const { ACCESS_TOKEN } = process.env
const ath = ACCESS_TOKEN && createHash('sha256').update(ACCESS_TOKEN).digest('base64url')
const now = Math.floor(Date.now() / 1000)
const made: Readonly<Record<string, () => string>> = {
  proof: () =>
    jwt(
      { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } },
      { jti: randomUUID(), htm: subject, htu: address, iat: now, nonce, ath },
    ),
  assertion: () =>
    jwt({ alg: 'ES256' }, { iss: subject, sub: subject, aud: address, jti: randomUUID(), iat: now, exp: now + 60 }),
  key: () => JSON.stringify({ kty, crv, x, y }),
  thumbprint: () => createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url'),
}
console.log(made[what ?? '']?.() ?? 'proof | assertion | key | thumbprint')

function jwt(header: object, claims: object): string {
  const [head, body] = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' })
  return `${head}.${body}.${signature.toString('base64url')}`
}
