import type { WrittenConnection } from '@countersign/connections'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import {
  bearerOf,
  client,
  type Dialect,
  type Exchange,
  giveToken,
  redeemCode,
  startUpstream,
  type Upstream,
} from './upstream.ts'

/** An OpenID provider whose keys can change without a word. */
export interface OpenidUpstream extends Upstream {
  readonly settings: WrittenConnection
  flipKey(): Promise<void>
  /** An ID token as an app gets one by itself. */
  idToken(claims?: Record<string, unknown>): Promise<string>
}

const maria = {
  sub: 'm-1',
  email: 'maria@example.com',
  email_verified: true,
  name: 'Maria Lopez',
  given_name: 'Maria',
  picture: 'https://pictures.example/maria',
}

export async function startOpenid(name = 'work'): Promise<OpenidUpstream> {
  let generation = 0
  let key: { kid: string; privateKey: CryptoKey; publicKey: CryptoKey } | undefined
  async function flipKey(): Promise<void> {
    key = { kid: `k${++generation}`, ...(await generateKeyPair('ES256', { extractable: true })) }
  }
  await flipKey()
  const stranger = await generateKeyPair('ES256')

  async function signed(upstream: Upstream, claims: Record<string, unknown>): Promise<string> {
    const { fault, origin, person } = upstream
    const privateKey = fault === 'other_key' ? stranger.privateKey : key?.privateKey
    const made = new SignJWT({ ...person, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: key?.kid ?? '' })
      .setIssuer(fault === 'other_issuer' ? 'https://evil.example' : origin)
      .setAudience(fault === 'other_audience' ? 'another-app' : client.id)
      .setIssuedAt()
      .setExpirationTime('1h')
    if (typeof claims.aud === 'string') made.setAudience(claims.aud)
    return made.sign(privateKey as CryptoKey)
  }

  async function answerToken(exchange: Exchange): Promise<void> {
    const { form, upstream, json } = exchange
    if (form.get('grant_type') === 'refresh_token') return answerRefresh(exchange)
    const asked = redeemCode(exchange, exchange.request.headers.authorization === undefined ? 'post' : 'basic')
    if (asked === undefined) return json(400, { error: 'invalid_grant' })
    const nonce = upstream.fault === 'other_nonce' ? 'another' : (asked.get('nonce') ?? undefined)
    const refresh_token = giveToken(exchange)
    const access_token = giveToken(exchange)
    const id_token = await signed(upstream, { nonce })
    json(200, { access_token, refresh_token, id_token, token_type: 'Bearer', expires_in: 300, scope: 'openid' })
  }

  /** Rotates: the old one is worth nothing afterwards. */
  async function answerRefresh(exchange: Exchange): Promise<void> {
    const { form, state, json } = exchange
    const presented = form.get('refresh_token') ?? ''
    if (!state.tokens.delete(presented)) return json(400, { error: 'invalid_grant' })
    const [access_token, refresh_token] = [giveToken(exchange), giveToken(exchange)]
    json(200, { access_token, refresh_token, token_type: 'Bearer', expires_in: 300 })
  }

  const dialect: Dialect = {
    '/.well-known/openid-configuration': ({ upstream, json }) =>
      json(200, {
        issuer: upstream.origin,
        authorization_endpoint: `${upstream.origin}/authorize`,
        token_endpoint: `${upstream.origin}/token`,
        userinfo_endpoint: `${upstream.origin}/userinfo`,
        jwks_uri: `${upstream.origin}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        authorization_response_iss_parameter_supported: true,
      }),
    '/jwks': async ({ json }) =>
      json(200, {
        keys: [{ ...(await exportJWK(key?.publicKey as CryptoKey)), kid: key?.kid, alg: 'ES256', use: 'sig' }],
      }),
    '/token': answerToken,
    '/userinfo': exchange => {
      const { upstream, json } = exchange
      if (bearerOf(exchange) === undefined) return json(401, { error: 'invalid_token' })
      json(200, upstream.fault === 'other_subject' ? { ...upstream.person, sub: 'm-2' } : upstream.person)
    },
  }
  const upstream = await startUpstream(dialect, { ...maria }, '/authorize')
  return Object.assign(upstream, {
    settings: { name, issuer: upstream.origin, client_id: client.id, client_secret: client.secret, title: 'Work' },
    flipKey,
    idToken: (claims = {}) => signed(upstream, claims),
  })
}
