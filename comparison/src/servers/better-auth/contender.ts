import { hash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { send } from '../../workload/post.ts'
import { createProofKey } from '../../workload/proof-key.ts'
import type { Contender, Login } from '../contender.ts'
import { startProcess, startsAt } from '../server-process.ts'
import { redirectUri } from './configuration.ts'

export function betterAuth(binding: 'bound' | 'unbound', reuseSeconds: number): Contender {
  return {
    name: `better-auth, ${binding}, reuse interval ${reuseSeconds} s`,
    bound: binding === 'bound',
    async start(folder) {
      mkdirSync(folder, { recursive: true })
      const script = join(import.meta.dirname, 'server.ts')
      const server = await startProcess(script, [join(folder, 'database.sqlite'), `${reuseSeconds}`, binding])
      const { baseUrl, clientId } = JSON.parse(server.firstLine) as { baseUrl: string; clientId: string }
      let now = startsAt
      return {
        tokenEndpoint: `${baseUrl}/api/auth/oauth2/token`,
        async logIn(count) {
          const made: Login[] = []
          for (let index = 0; index < count; index++) {
            made.push(await logIn(baseUrl, { clientId, index, bound: binding === 'bound', now }))
          }
          return made
        },
        async advance(milliseconds) {
          now += milliseconds
          await server.advance(milliseconds)
        },
        async stop() {
          await server.stop()
          return new Set()
        },
      }
    },
  }
}

/** Sign-up, then the code flow with PKCE, as a browser would go through it. */
async function logIn(
  baseUrl: string,
  { clientId, index, bound, now }: { clientId: string; index: number; bound: boolean; now: number },
): Promise<Login> {
  const ip = `10.2.${index >> 8}.${index & 255}`
  const headers = { origin: baseUrl, 'x-forwarded-for': ip }
  const signedUp = await send(`${baseUrl}/api/auth/sign-up/email`, {
    headers,
    json: { email: `person-${index}@example.org`, password: 'the right horse', name: `Person ${index}` },
  })
  const cookie = [signedUp.headers['set-cookie'] ?? []].flat().map(line => line.split(';')[0])
  const key = bound ? createProofKey() : undefined
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid offline_access',
    state: 'state',
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
    ...(key && { dpop_jkt: key.thumbprint }),
  })
  const authorized = await send(`${baseUrl}/api/auth/oauth2/authorize?${query}`, {
    headers: { ...headers, cookie: cookie.join('; ') },
  })
  const code = /[?&]code=([^&"]+)/.exec(String(authorized.headers.location ?? authorized.text))?.[1]
  if (code === undefined) throw new Error(`no code: ${signedUp.status}, ${authorized.status} ${authorized.text}`)
  const url = `${baseUrl}/api/auth/oauth2/token`
  const answer = await send(url, {
    headers: { ...headers, ...(key && { dpop: key.proof({ url, now, nonce: undefined }) }) },
    form: {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: decodeURIComponent(code),
      redirect_uri: redirectUri,
      code_verifier: verifier,
    },
  })
  const { refresh_token: refreshToken } = JSON.parse(answer.text) as Record<string, string>
  if (refreshToken === undefined) throw new Error(`no refresh token: ${answer.text}`)
  return { id: `login ${index}`, ip, clientId, key, refreshToken }
}
