import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { createVerifier } from './create-verifier.ts'
import { protect } from './node.ts'
import { call } from './testing/call.ts'
import { makeProof, thumbprint } from './testing/dpop.ts'
import { holdTime } from './testing/held-time.ts'
import { startIssuer } from './testing/issuer.ts'
import { makeSigner } from './testing/signer.ts'

const time = holdTime()
const issuer = await startIssuer(time.nowSeconds)
const clientSecret = 'feed-secret-which-must-not-be-seen'

afterAll(() => issuer.close())

test('D7: no refusal, header, body, status or console line holds a token, a part of one, a proof or a secret', async () => {
  const printed: string[] = []
  const restore = [process.stdout, process.stderr].map(stream => {
    const { write } = stream
    stream.write = (text: string | Uint8Array) => {
      printed.push(String(text))
      return true
    }
    return () => {
      stream.write = write
    }
  })

  const refusals: unknown[] = []
  const revocations = { clientId: 'api', clientSecret }
  const verifier = createVerifier({ issuer: issuer.url, audience: 'api', revocations, ...time.runtime })
  await verifier.ready()
  const options = {
    scope: 'read',
    cookie: { name: 'token' },
    baseUrl: 'https://api.example',
    onRefusal: (refusal: unknown) => void refusals.push(refusal),
  }
  const server = createServer(protect(verifier, options, (_request, response) => void response.end('fine')))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`

  const now = time.nowSeconds()
  const key = makeSigner('ES256')
  const claims = { iss: issuer.url, sub: 'user-1', aud: 'api', iat: now, exp: now + 900, scope: 'read' }
  const good = issuer.signer.sign(claims)
  const bound = issuer.signer.sign({ ...claims, cnf: { jkt: thumbprint(key) } })
  const proof = makeProof(key, { method: 'GET', url: 'https://api.example/other', token: bound, nowSeconds: now })
  const tokens = [
    good,
    bound,
    `${good.slice(0, -3)}AAA`,
    good.slice(0, -1),
    issuer.signer.sign({ ...claims, exp: now - 1 }),
    issuer.signer.sign({ ...claims, iss: 'https://evil.example' }),
    issuer.signer.sign({ ...claims, aud: 'other' }),
    issuer.signer.sign({ ...claims, scope: 'write' }),
    issuer.signer.sign(claims, { alg: 'none' }),
    issuer.signer.sign(claims, { kid: 'unknown' }),
  ]
  const answers: unknown[] = []
  for (const token of tokens) {
    answers.push(await call(url, { headers: { authorization: `Bearer ${token}` } }))
    answers.push(await call(url, { headers: { authorization: `DPoP ${token}`, dpop: proof } }))
    answers.push(await call(url, { method: 'POST', headers: { cookie: `token=${token}` } }))
    answers.push(await call(`${url}?access_token=${token}`))
    answers.push(await call(url, { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } }))
  }
  issuer.broken.set('/jwks', response => response.destroy())
  issuer.broken.set('/introspect', response => response.destroy())
  answers.push(await verifier.verify(good, { introspect: true }), verifier.status())
  const untaught = createVerifier({ issuer: issuer.url, audience: 'api', revocations, ...time.runtime })
  answers.push(await untaught.verify(good), untaught.status(), inspect(verifier, { depth: 9 }))
  untaught.close()
  verifier.close()
  await new Promise(resolve => server.close(resolve))
  for (const undo of restore) undo()

  expect(refusals.length).toBeGreaterThan(40)
  const seen = [
    inspect(answers, { depth: 9 }),
    inspect(refusals, { depth: 9 }),
    JSON.stringify(answers),
    ...printed,
  ].join('\n')
  for (const secret of [clientSecret, ...[...tokens, proof].flatMap(token => token.split('.'))]) {
    expect(seen.includes(secret)).toBe(false)
  }
})
