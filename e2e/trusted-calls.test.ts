import { createMachineTokens, createTrusted, type Trusted } from '@countersign/backend'
import { declareClient, hashClientSecret } from '@countersign/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logIn, refresh, signUp } from '../packages/server/src/testing/calls.ts'
import { closeConnected, connectedToOpenid, signInWith } from '../packages/server/src/testing/connected.ts'
import { type GivenServer, issuer, sampleClients } from '../packages/server/src/testing/given.ts'
import type { OpenidUpstream } from '../packages/server/src/testing/upstreams/openid.ts'

/* What a back end asks of the server by the SDK, beside its sessions: with the real server and a provider. */

const secret = 'back-end-secret-0123456789abcdef01234567'
let to: GivenServer
let upstream: OpenidUpstream
let trusted: Trusted

beforeAll(async () => {
  const [, app] = sampleClients
  ;({ upstream, to } = await connectedToOpenid(
    { keep_tokens: true },
    {
      clients: [
        declareClient({ ...app, id: 'bearer-app', accessTokenClaims: { roles: 'roles' } }),
        declareClient({
          id: 'back-end',
          secretHashes: [hashClientSecret(secret)],
          grantTypes: ['client_credentials'],
          scopes: ['connections:tokens', 'users:manage'],
          accessTokenBinding: 'bearer',
        }),
      ],
    },
  ))
  const address = await to.server.listen({ host: '127.0.0.1', port: 0 })
  const platform = {
    fetch: (url: unknown, init?: RequestInit) => fetch(String(url).replace(issuer, address), init),
  }
  const tokens = createMachineTokens({ issuer, clientId: 'back-end', clientSecret: secret, platform })
  trusted = createTrusted({ tokens, platform })
})
afterAll(closeConnected)

test('a back end gets the token of a user at their provider, and it is the provider’s own', async () => {
  await signInWith(to, upstream, 'work')
  const { user } = await to.store.loadUserByIdentity('work', 'm-1')
  const token = await trusted.getProviderToken(user?.id ?? '', 'work')
  if (!('access_token' in token)) throw new Error(token.reason)
  const told = await fetch(`${upstream.origin}/userinfo`, {
    headers: { authorization: `Bearer ${token.access_token}` },
  })
  expect(((await told.json()) as { sub: string }).sub).toBe('m-1')
  expect(token.expires_at).toMatch(/Z$/)
})

test('what there is not is a refusal as a value', async () => {
  const id = await signUp(to, 'nobody-there@example.com')
  expect(await trusted.getProviderToken(id, 'work')).toMatchObject({ reason: 'provider_token_missing' })
  expect(await trusted.getProviderToken(id, 'elsewhere')).toMatchObject({ reason: 'connection_unknown' })
  expect(await trusted.listSessions(id)).toMatchObject({ refused: true })
})

test('a back end gives a user a role, and the next token tells it', async () => {
  const email = 'editor@example.com'
  const id = await signUp(to, email)
  const login = await logIn(to, { email })
  expect(await trusted.setRights(id, { roles: ['editor'] })).toMatchObject({ roles: ['editor'], groups: [] })
  const renewed = String((await refresh(to, login.refreshToken)).body.access_token)
  expect(JSON.parse(Buffer.from(renewed.split('.')[1] ?? '', 'base64url').toString()).roles).toEqual(['editor'])
})
