import type { TokenAnswer } from '@countersign/protocol'
import { apiUrl, issuer } from '../settings.ts'
import { watched } from './watch.ts'

const fetchAsThief = watched('the thief')

/** What came of a try. */
export interface Loot {
  readonly row: number | undefined
  readonly reason: string | undefined
  readonly tokens: TokenAnswer | undefined
}

/** Presents a stolen refresh token, with whatever proof there is. */
export async function redeem(clientId: string, refreshToken: string, proof?: string): Promise<Loot> {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId }
  const answer = await fetchAsThief(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: proof === undefined ? {} : { DPoP: proof },
  })
  return {
    row: Number(answer.headers.get('countersign-refresh-row')) || undefined,
    reason: answer.headers.get('countersign-reason') ?? undefined,
    tokens: answer.ok ? ((await answer.json()) as TokenAnswer) : undefined,
  }
}

/** Calls the API with a stolen or forged access token; the status, and the reason if it is refused. */
export async function callApi(accessToken: string, method = 'GET'): Promise<{ status: number; reason: string }> {
  const headers = { Authorization: `Bearer ${accessToken}` }
  const { status, headers: answered } = await fetchAsThief(`${apiUrl}/notes`, { method, headers })
  return { status, reason: answered.get('countersign-reason') ?? '' }
}

/** A proof of possession (RFC 9449 §4.2), flawless but for the key: it is the thief's own. */
export async function proofWithOwnKey(): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
  const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: `${issuer}/token`, iat: Math.floor(Date.now() / 1000) }
  const signed = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims))}`
  const signature = await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(signed))
  return `${signed}.${encode(String.fromCharCode(...new Uint8Array(signature)))}`
}

function encode(binary: string): string {
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
