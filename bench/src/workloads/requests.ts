import { type RunningServer, startServer } from '../harness/processes.ts'
import { api, redirectUri, scope } from '../peers/oidc-provider/configuration.ts'
import type { PeerReady, PeerTask } from '../peers/oidc-provider/server-task.ts'
import type { Work } from './contest.ts'
import { pkce } from './pkce.ts'

export type CallsWork = Extract<Work, { kind: 'calls' }>

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

/** oidc-provider in a process of its own. */
export function startPeerServer(task: PeerTask): Promise<RunningServer<PeerReady>> {
  return startServer<PeerReady>('peers/oidc-provider/server.ts', [JSON.stringify(task)])
}

/** `GET /authorize` in browsers that are signed in, whose user has allowed as much: a redirect with a code. */
export function authorization(address: { origin: string; path: string }, clientId: string, cookies: string): CallsWork {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: `openid ${scope}`,
    resource: api,
    state: 'a-state-of-some-length',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
  })
  return {
    kind: 'calls',
    url: address.origin,
    method: 'GET',
    path: `${address.path}?${query}`,
    headers: { Cookie: '{value}', Accept: 'text/html' },
    valuesFile: cookies,
    good: { status: 303, text: `${redirectUri}?code=` },
  }
}

/** `POST /token` with a code; with `verifier`, if it was asked for with PKCE. */
export function redemption(issuer: string, clientId: string, codes: string, verifier?: string): CallsWork {
  const fields = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: redirectUri,
    ...(verifier !== undefined && { code_verifier: verifier }),
  })
  return {
    kind: 'calls',
    url: issuer,
    method: 'POST',
    path: '/token',
    headers: form,
    body: `${fields}&code={value}`,
    valuesFile: codes,
    once: true,
    good: { status: 200, text: verifier === undefined ? '"refresh_token"' : '"id_token"' },
  }
}

function basic({ id, secret }: { id: string; secret: string }): { Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

type Credentials = Parameters<typeof basic>[0]

/** A service's token for itself, a JWT. */
export function clientCredentials(issuer: string, client: Credentials): CallsWork {
  const fields = new URLSearchParams({ grant_type: 'client_credentials', scope, resource: api })
  return {
    kind: 'calls',
    url: issuer,
    method: 'POST',
    path: '/token',
    headers: { ...form, ...basic(client) },
    body: String(fields),
    good: { status: 200, text: '"access_token":"eyJ' },
  }
}

/** A service asks about tokens of others. */
export function introspection(
  address: { origin: string; path: string },
  client: Credentials,
  tokens: string,
): CallsWork {
  return {
    kind: 'calls',
    url: address.origin,
    method: 'POST',
    path: address.path,
    headers: { ...form, ...basic(client) },
    body: 'token={value}',
    valuesFile: tokens,
    good: { status: 200, text: '"active":true' },
  }
}

export function userInfo(address: { origin: string; path: string }, tokens: string): CallsWork {
  return {
    kind: 'calls',
    url: address.origin,
    method: 'GET',
    path: address.path,
    headers: { Authorization: 'Bearer {value}' },
    valuesFile: tokens,
    good: { status: 200, text: '"email"' },
  }
}
