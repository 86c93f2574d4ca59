import { createHmac } from 'node:crypto'
import type { WrittenConnection } from '@countersign/connections'
import { bearerOf, client, type Dialect, giveToken, redeemCode, startUpstream, type Upstream } from './upstream.ts'

/** A provider with a dialect of its own, and the configuration that leads to it. */
export interface SocialUpstream extends Upstream {
  readonly settings: WrittenConnection
}

const credentials = { client_id: client.id, client_secret: client.secret }

/** https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow: no ID token, errors as objects, every call with a proof of the secret. */
export async function startFacebook(): Promise<SocialUpstream> {
  const wrong = { error: { message: 'Invalid OAuth access token.', type: 'OAuthException', code: 190 } }
  const dialect: Dialect = {
    '/v23.0/oauth/access_token': exchange => {
      const asked = redeemCode(exchange, 'post')
      if (asked === undefined || asked.has('code_challenge')) return exchange.json(400, wrong)
      exchange.json(200, { access_token: giveToken(exchange), token_type: 'bearer', expires_in: 5_183_944 })
    },
    '/v23.0/me': exchange => {
      const token = bearerOf(exchange)
      const proof = createHmac('sha256', client.secret)
        .update(token ?? '')
        .digest('hex')
      if (token === undefined || exchange.url.searchParams.get('appsecret_proof') !== proof)
        return exchange.json(400, wrong)
      const fields = (exchange.url.searchParams.get('fields') ?? 'id,name').split(',').map(one => one.split('.')[0])
      const told = Object.entries(exchange.upstream.person).filter(([name]) => fields.includes(name))
      exchange.json(200, Object.fromEntries(told))
    },
    '/v23.0/debug_token': ({ url, state, json }) => {
      if (url.searchParams.get('access_token') !== `${client.id}|${client.secret}`) return json(400, wrong)
      const app_id = state.tokens.get(url.searchParams.get('input_token') ?? '')
      json(200, { data: app_id === undefined ? { is_valid: false } : { app_id, is_valid: true, type: 'USER' } })
    },
  }
  const person = { id: '10223456', name: 'Maria Lopez', first_name: 'Maria', email: 'maria@example.com' }
  const upstream = await startUpstream(dialect, person, '/v23.0/dialog/oauth')
  const { origin } = upstream
  const endpoints = {
    authorization: `${origin}/v23.0/dialog/oauth`,
    token: `${origin}/v23.0/oauth/access_token`,
    userinfo: `${origin}/v23.0/me?fields=id,name,first_name,last_name,email,picture.width(256)`,
    token_check: `${origin}/v23.0/debug_token`,
  }
  return Object.assign(upstream, { settings: { name: 'facebook', ...credentials, endpoints } })
}

/** https://docs.github.com/apps/oauth-apps: answers with a form unless it is asked for JSON, says 200 to a wrong code, and wants to know who calls. */
export async function startGithub(): Promise<SocialUpstream> {
  const dialect: Dialect = {
    '/login/oauth/access_token': exchange => {
      const { request, json } = exchange
      if (!request.headers.accept?.includes('application/json')) return json(406, {})
      if (redeemCode(exchange, 'post') === undefined) return json(200, { error: 'bad_verification_code' })
      json(200, { access_token: giveToken(exchange), scope: 'read:user,user:email', token_type: 'bearer' })
    },
    '/user': exchange => {
      if (exchange.request.headers['user-agent'] === undefined) return exchange.json(403, {})
      if (bearerOf(exchange) === undefined) return exchange.json(401, { message: 'Bad credentials' })
      exchange.json(200, exchange.upstream.person)
    },
    '/user/emails': exchange => {
      if (bearerOf(exchange) === undefined) return exchange.json(401, { message: 'Bad credentials' })
      exchange.json(200, [
        { email: 'maria@users.example', primary: false, verified: true },
        { email: 'maria@example.com', primary: true, verified: exchange.upstream.person.verified ?? true },
      ])
    },
    [`/applications/${client.id}/token`]: ({ request, body, state, json }) => {
      const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
      const madeFor = state.tokens.get((JSON.parse(body) as { access_token: string }).access_token)
      // Tokens of other apps are no tokens here.
      if (request.headers.authorization !== basic || madeFor !== client.id) return json(404, { message: 'Not Found' })
      json(200, { id: 1, app: { client_id: madeFor, name: 'Our app' } })
    },
  }
  const person = {
    id: 583231,
    login: 'maria',
    name: null,
    avatar_url: 'https://avatars.example/1',
    email: 'typed@by.her',
  }
  const upstream = await startUpstream(dialect, person, '/login/oauth/authorize')
  const { origin } = upstream
  const endpoints = {
    authorization: `${origin}/login/oauth/authorize`,
    token: `${origin}/login/oauth/access_token`,
    userinfo: `${origin}/user`,
    emails: `${origin}/user/emails`,
    token_check: `${origin}/applications/{client_id}/token`,
  }
  return Object.assign(upstream, { settings: { name: 'github', ...credentials, endpoints } })
}

/** https://docs.x.com/fundamentals/authentication/oauth-2-0: PKCE always, the secret in the header, everything about a person inside `data`. */
export async function startX(): Promise<SocialUpstream> {
  const dialect: Dialect = {
    '/2/oauth2/token': exchange => {
      const asked = redeemCode(exchange, 'basic')
      if (asked?.get('code_challenge_method') !== 'S256') {
        return exchange.json(400, {
          error: 'invalid_request',
          error_description: 'Value passed for the token was invalid.',
        })
      }
      exchange.json(200, {
        token_type: 'bearer',
        expires_in: 7200,
        access_token: giveToken(exchange),
        scope: 'users.read',
      })
    },
    '/2/users/me': exchange => {
      if (bearerOf(exchange) === undefined) return exchange.json(401, { title: 'Unauthorized', status: 401 })
      exchange.json(200, { data: exchange.upstream.person })
    },
  }
  const person = { id: '2244994945', name: 'Maria Lopez', username: 'maria' }
  const upstream = await startUpstream(dialect, person, '/i/oauth2/authorize')
  const { origin } = upstream
  const endpoints = {
    authorization: `${origin}/i/oauth2/authorize`,
    token: `${origin}/2/oauth2/token`,
    userinfo: `${origin}/2/users/me?user.fields=confirmed_email,profile_image_url,url`,
  }
  return Object.assign(upstream, { settings: { name: 'x', ...credentials, endpoints } })
}
