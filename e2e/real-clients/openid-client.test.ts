import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { person, redirectUri, signUp } from '../testing/app-install.ts'
import { createHostedBrowser, type HostedBrowser, throughHostedPages } from '../testing/hosted-browser.ts'
import type { Listening } from '../testing/listen.ts'
import { startNotesApi } from '../testing/notes-api.ts'
import { givenInstallation, type Installation, startServer } from '../testing/server-process.ts'

/*
 * openid-client as its documentation has it, against an API that checks tokens by express-jwt and jwks-rsa. Plain HTTP on loopback is all
 * that is asked for beyond that.
 */

const insecure = { execute: [client.allowInsecureRequests] }
const goodbye = 'http://127.0.0.1:9/goodbye'
let installed: Installation
let api: Listening

beforeAll(async () => {
  installed = await givenInstallation({
    sign_up: 'open',
    registration: 'open',
    registration_scopes: ['openid', 'email', 'profile', 'notes'],
    registration_audiences: ['urn:notes'],
    clients: [
      {
        id: 'notes-app',
        first_party: true,
        scopes: ['openid', 'email', 'notes'],
        audiences: ['urn:notes'],
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [goodbye],
        access_token_binding: 'dpop',
        requires_pushed_requests: true,
      },
    ],
  })
  await startServer(installed)
  await signUp(installed.issuer)
  api = await startNotesApi(installed.issuer)
})

afterAll(async () => {
  installed.remove()
  await api.close()
})

interface Asking {
  readonly scope: string
  /** How the request goes to the server: in the address, or pushed. */
  readonly addressOf: (config: client.Configuration, parameters: Record<string, string>) => URL | Promise<URL>
  readonly options?: client.AuthorizationCodeGrantOptions
}

async function logIn(config: client.Configuration, browser: HostedBrowser, { scope, addressOf, options }: Asking) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const address = await addressOf(config, {
    redirect_uri: redirectUri,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const { back, asked } = await throughHostedPages(browser, address)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, options)
  return { asked, tokens, claims: tokens.claims() as client.IDToken, refreshToken: tokens.refresh_token ?? '' }
}

async function logOut(config: client.Configuration, browser: HostedBrowser, idToken = ''): Promise<URL> {
  const parameters = { post_logout_redirect_uri: goodbye, id_token_hint: idToken, state: 'bye' }
  const { back } = await throughHostedPages(browser, client.buildEndSessionUrl(config, parameters))
  return back
}

test('a client that registers itself: the user allows it, then refresh, UserInfo, the API, and the logout that ends all of it', async () => {
  const metadata = {
    client_name: 'Orchard',
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [goodbye],
    scope: 'openid email notes',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_post',
  }
  const config = await client.dynamicClientRegistration(new URL(installed.issuer), metadata, undefined, insecure)
  const browser = createHostedBrowser(installed.issuer)
  const asking: Asking = { scope: 'openid email notes', addressOf: client.buildAuthorizationUrl }
  const { asked, tokens, claims, refreshToken } = await logIn(config, browser, asking)
  expect(asked).toEqual(['/sign-in', '/consent'])
  expect(tokens.scope).toBe('openid email notes')

  // A token this young is not rotated: the answer has no other, and the one in hand stays good.
  for (const _time of [1, 2]) {
    const renewed = await client.refreshTokenGrant(config, refreshToken)
    expect(renewed.refresh_token).toBeUndefined()
    expect(await client.fetchUserInfo(config, renewed.access_token, claims.sub)).toMatchObject({ email: person.email })
    const url = new URL(`${api.origin}/notes`)
    const notes = await client.fetchProtectedResource(config, renewed.access_token, url, 'GET')
    expect(await notes.json()).toEqual({ sub: claims.sub, scope: 'openid email notes' })
  }

  const again = await logIn(config, browser, asking)
  expect(again.asked).toEqual([])

  expect((await logOut(config, browser, tokens.id_token)).href).toBe(`${goodbye}?state=bye`)
  for (const dead of [refreshToken, again.refreshToken]) {
    await expect(client.refreshTokenGrant(config, dead)).rejects.toMatchObject({ error: 'invalid_grant' })
  }
  await expect(client.fetchUserInfo(config, tokens.access_token, claims.sub)).rejects.toMatchObject({ status: 401 })
  expect((await logIn(config, browser, asking)).asked).toEqual(['/sign-in'])
})

test('a client of one’s own with pushed requests and DPoP: no question, bound tokens, and the logout', async () => {
  const issuer = new URL(installed.issuer)
  const config = await client.discovery(issuer, 'notes-app', undefined, client.None(), insecure)
  const options = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) }
  const browser = createHostedBrowser(installed.issuer)
  const { asked, tokens, claims, refreshToken } = await logIn(config, browser, {
    scope: 'openid email notes',
    addressOf: (known, parameters) => client.buildAuthorizationUrlWithPAR(known, parameters, options),
    options,
  })
  expect(asked).toEqual(['/sign-in'])
  expect(tokens.token_type).toBe('dpop')

  const renewed = await client.refreshTokenGrant(config, refreshToken, undefined, options)
  expect(renewed.refresh_token).not.toBe(refreshToken)
  const who = await client.fetchUserInfo(config, renewed.access_token, claims.sub, options)
  expect(who).toMatchObject({ email: person.email })

  const thief = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) }
  await expect(client.fetchUserInfo(config, renewed.access_token, claims.sub, thief)).rejects.toThrow()

  expect((await logOut(config, browser, tokens.id_token)).href).toBe(`${goodbye}?state=bye`)
  await expect(client.refreshTokenGrant(config, renewed.refresh_token ?? '', undefined, options)).rejects.toMatchObject(
    { error: 'invalid_grant' },
  )
})

test('express-jwt refuses what is meant for others: no token, an ID token, one that was altered, one for another API', async () => {
  const metadata = {
    redirect_uris: [redirectUri],
    scope: 'openid notes',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_post',
  }
  const config = await client.dynamicClientRegistration(new URL(installed.issuer), metadata, undefined, insecure)
  const { tokens } = await logIn(config, createHostedBrowser(installed.issuer), {
    scope: 'openid notes',
    addressOf: (known, parameters) => client.buildAuthorizationUrl(known, { ...parameters, resource: 'urn:notes' }),
  })
  const call = async (token?: string): Promise<number> => {
    const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` }
    return (await fetch(`${api.origin}/notes`, { ...(headers && { headers }) })).status
  }
  expect(await call(tokens.access_token)).toBe(200)
  const elsewhere = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', { resource: installed.issuer })
  const audience = JSON.parse(Buffer.from(elsewhere.access_token.split('.')[1] ?? '', 'base64url').toString()).aud
  expect(audience).toEqual([installed.issuer])
  const altered = `${tokens.access_token.slice(0, -10)}AAAAAAAAAA`
  const refused = [undefined, tokens.id_token, altered, elsewhere.access_token]
  expect(await Promise.all(refused.map(call))).toEqual([401, 401, 401, 401])
})

test.each([
  ['client_secret_post', client.ClientSecretPost],
  ['client_secret_basic', client.ClientSecretBasic],
] as const)('a wrong secret by %s is what the library says it is', async (method, authentication) => {
  const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: method }
  const registered = await client.dynamicClientRegistration(new URL(installed.issuer), metadata, undefined, insecure)
  const id = registered.clientMetadata().client_id
  const wrong = await client.discovery(new URL(installed.issuer), id, {}, authentication('wrong'), insecure)
  const asked = client.refreshTokenGrant(wrong, 'cs_rt_x')
  if (method === 'client_secret_basic') await expect(asked).rejects.toBeInstanceOf(client.WWWAuthenticateChallengeError)
  else await expect(asked).rejects.toMatchObject({ name: 'ResponseBodyError', error: 'invalid_client', status: 401 })
})
