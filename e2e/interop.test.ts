import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  apiSecret,
  backendSecret,
  configuration,
  logIn,
  me,
  person,
  redirectUri,
  refresh,
  signUp,
} from './testing/app-install.ts'
import { createHostedBrowser, signInHosted } from './testing/hosted-browser.ts'
import { call } from './testing/http-call.ts'
import { givenInstallation, type Installation, operate, startServer } from './testing/server-process.ts'

/** Programs of others, used as their documentation says. Only plain HTTP on loopback is asked for beyond that. */
const insecure = { [oauth.allowInsecureRequests]: true }

let installed: Installation
let issuer: URL
let server: oauth.AuthorizationServer

beforeAll(async () => {
  installed = await givenInstallation({
    ...configuration,
    clients: [
      ...(configuration.clients as object[]),
      {
        id: 'bound-app',
        first_party: true,
        scopes: ['account', 'notes'],
        audiences: ['urn:notes'],
        redirect_uris: [redirectUri],
        access_token_binding: 'dpop',
      },
    ],
  })
  await startServer(installed)
  await signUp(installed.issuer)
  issuer = new URL(installed.issuer)
  const discovery = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' })
  server = await oauth.processDiscoveryResponse(issuer, discovery)
})

afterAll(() => installed.remove())

describe('jose, as an API uses it', () => {
  const expected = () => ({
    issuer: installed.issuer,
    audience: 'urn:notes',
    typ: 'at+jwt',
    requiredClaims: ['sub', 'sid', 'jti'],
  })

  test('accepts an access token by discovery and JWKS, and keeps doing so after a rotation of the keys', async () => {
    const keys = createRemoteJWKSet(new URL(server.jwks_uri ?? ''), { cooldownDuration: 0 })
    const install = await logIn(installed.issuer)
    const { payload, protectedHeader } = await jwtVerify(install.accessToken, keys, expected())
    expect(payload).toMatchObject({ client_id: 'app', sid: install.sessionId, scope: 'account notes' })
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })

    expect((await operate(installed, 'keys', 'rotate')).code).toBe(0)
    await refresh(installed.issuer, install)
    const after = await jwtVerify(install.accessToken, keys, expected())
    expect(after.protectedHeader.kid).not.toBe(protectedHeader.kid)
    expect(after.payload.sid).toBe(install.sessionId)
  })

  test('refuses it for another audience, of another issuer, and altered', async () => {
    const keys = createLocalJWKSet((await call(server.jwks_uri ?? '')).json as never)
    const { accessToken } = await logIn(installed.issuer)
    const [header, payload = '', signature] = accessToken.split('.')
    const altered = Buffer.from(payload, 'base64url').toString().replace('account notes', 'account admin')
    const forged = `${header}.${Buffer.from(altered).toString('base64url')}.${signature}`
    await expect(jwtVerify(accessToken, keys, { ...expected(), audience: 'urn:others' })).rejects.toThrow(
      errors.JWTClaimValidationFailed,
    )
    await expect(jwtVerify(accessToken, keys, { ...expected(), issuer: 'http://127.0.0.1' })).rejects.toThrow(
      errors.JWTClaimValidationFailed,
    )
    await expect(jwtVerify(forged, keys, expected())).rejects.toThrow(errors.JWSSignatureVerificationFailed)
  })
})

/** The browser's part: sign in on the hosted page, come back with a code. */
async function authorizeInBrowser(client: oauth.Client, challenge: string, state: string): Promise<URL> {
  const browser = createHostedBrowser(installed.issuer)
  await signInHosted(browser)
  const url = new URL(server.authorization_endpoint ?? '')
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'account notes',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state,
  }).toString()
  const { headers } = await browser.open(url.pathname + url.search)
  return new URL(headers.location?.toString() ?? '')
}

/** RFC 9449 §8: a client that is told to use a nonce asks again with it. */
async function withNonce<T>(process: () => Promise<T>): Promise<T> {
  try {
    return await process()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return process()
  }
}

describe('oauth4webapi, as an app uses it', () => {
  test('code with PKCE, refresh and revocation', async () => {
    const client: oauth.Client = { client_id: 'app' }
    const authentication = oauth.None()
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const back = await authorizeInBrowser(client, await oauth.calculatePKCECodeChallenge(verifier), state)
    const parameters = oauth.validateAuthResponse(server, client, back, state)
    const redeemed = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      redirectUri,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, redeemed)
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 900, scope: 'account notes' })

    const refreshToken = tokens.refresh_token ?? ''
    const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, insecure)
    const renewed = await oauth.processRefreshTokenResponse(server, client, answer)
    expect(renewed.refresh_token).not.toBe(refreshToken)
    const install = {
      clientId: 'app',
      key: undefined,
      sessionId: '',
      refreshToken: '',
      accessToken: renewed.access_token,
    }
    expect((await me(installed.issuer, install)).json.email).toBe(person.email)

    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, renewed.refresh_token ?? '', insecure),
    )
    const again = await oauth.refreshTokenGrantRequest(
      server,
      client,
      authentication,
      renewed.refresh_token ?? '',
      insecure,
    )
    await expect(oauth.processRefreshTokenResponse(server, client, again)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('the same bound by DPoP: the code’s redemption, the refresh, and the call of a resource', async () => {
    const client: oauth.Client = { client_id: 'bound-app' }
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const bound = { ...insecure, DPoP }
    const verifier = oauth.generateRandomCodeVerifier()
    const back = await authorizeInBrowser(client, await oauth.calculatePKCECodeChallenge(verifier), 'here')
    const parameters = oauth.validateAuthResponse(server, client, back, 'here')
    const tokens = await withNonce(async () => {
      const redeemed = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        oauth.None(),
        parameters,
        redirectUri,
        verifier,
        bound,
      )
      return oauth.processAuthorizationCodeResponse(server, client, redeemed)
    })
    expect(tokens.token_type).toBe('dpop')

    const refreshToken = tokens.refresh_token ?? ''
    const renewed = await withNonce(async () => {
      const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, bound)
      return oauth.processRefreshTokenResponse(server, client, answer)
    })
    const url = new URL(`${installed.issuer}/v1/me`)
    const resource = await withNonce(() =>
      oauth.protectedResourceRequest(renewed.access_token, 'GET', url, undefined, undefined, bound),
    )
    expect(await resource.json()).toMatchObject({ email: person.email })

    const thief = { ...insecure, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) }
    const stolen = withNonce(async () => {
      const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, thief)
      return oauth.processRefreshTokenResponse(server, client, answer)
    })
    await expect(stolen).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  test('prompt=none without a session comes back with an error that the client understands', async () => {
    const client: oauth.Client = { client_id: 'app' }
    const query = new URLSearchParams({
      client_id: 'app',
      redirect_uri: redirectUri,
      response_type: 'code',
      code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()),
      code_challenge_method: 'S256',
      prompt: 'none',
      state: 'here',
    })
    const { headers } = await call(`${server.authorization_endpoint}?${query}`)
    const back = new URL(headers.location?.toString() ?? '')
    expect(() => oauth.validateAuthResponse(server, client, back, 'here')).toThrow(
      expect.objectContaining({ error: 'login_required' }),
    )
  })
})

describe('oauth4webapi, as a back end uses it', () => {
  test.each([
    ['client_secret_basic', oauth.ClientSecretBasic],
    ['client_secret_post', oauth.ClientSecretPost],
  ])('client credentials and introspection with %s', async (_method, authenticateBy) => {
    const machine: oauth.Client = { client_id: 'backend' }
    const parameters = { scope: 'notes' }
    const answer = await oauth.clientCredentialsGrantRequest(
      server,
      machine,
      authenticateBy(backendSecret),
      parameters,
      insecure,
    )
    const tokens = await oauth.processClientCredentialsResponse(server, machine, answer)
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'notes' })

    const api: oauth.Client = { client_id: 'api' }
    const asked = await oauth.introspectionRequest(
      server,
      api,
      authenticateBy(apiSecret),
      tokens.access_token,
      insecure,
    )
    const known = await oauth.processIntrospectionResponse(server, api, asked)
    expect(known).toMatchObject({ active: true, client_id: 'backend', scope: 'notes', iss: installed.issuer })

    const request = new Request('http://127.0.0.1/notes', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    const claims = await oauth.validateJwtAccessToken(server, request, 'urn:notes', insecure)
    expect(claims).toMatchObject({ client_id: 'backend', iss: installed.issuer })
  })
})
