import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  refreshTokenGrant,
  type TokenEndpointResponse,
} from 'openid-client'
import { presets } from './all-presets.ts'
import { refusalOfExchange } from './answer-problems.ts'
import { authenticationAt } from './client-authentication.ts'
import type {
  Arrived,
  Callback,
  Connection,
  Notice,
  PresentedToken,
  ProviderTokens,
  StartRequest,
} from './connection.ts'
import { presetNameOf, type WrittenConnection } from './connection-settings.ts'
import { oauth2, openid } from './generic-presets.ts'
import { createTokenVerifiers } from './id-token.ts'
import { noticeOfApple, noticeOfRisc, payloadOf, readSignedRequest } from './notices.ts'
import { personOf } from './person.ts'
import type { Claims, Preset, Told } from './preset.ts'
import { createProvider, documentOf } from './provider.ts'
import { createProviderFetch } from './provider-fetch.ts'

export interface ConnectionOptions {
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  readonly fetch?: typeof globalThis.fetch
  /** What a provider may take for one answer. */
  readonly timeoutMs?: number
  readonly keyCooldownMs?: number
}

/** Its clock and ours differ. */
const clockToleranceMs = 30_000

/** A connection as the configuration has it. Nothing is asked of the provider before somebody signs in. */
export function createConnection(settings: WrittenConnection, options: ConnectionOptions = {}): Connection {
  const { clock = Date.now, timeoutMs = 5_000, keyCooldownMs = 5_000 } = options
  const preset = presetOf(settings)
  const { quirks = {} } = preset
  const fetch = createProviderFetch(options.fetch ?? globalThis.fetch, timeoutMs)
  const authentication = authenticationAt(settings, quirks, clock)
  const provider = createProvider({ settings, preset, authentication, fetch, clock })
  const { idToken: verifyIdToken, securityEvent } = createTokenVerifiers({ fetch, clock, keyCooldownMs })
  const usesPkce = settings.pkce ?? quirks.withoutPkce !== true
  const scope = (settings.scopes ?? preset.scopes).join(quirks.scopeSeparator ?? ' ')

  async function start(request: StartRequest): Promise<{ url: string; keep?: string }> {
    const configuration = await provider.configuration()
    const asksAgain = request.fresh && quirks.asksAgain === true
    const maxAge = asksAgain && quirks.withoutAuthTime !== true ? '0' : settings.parameters?.max_age
    const isAged = provider.isOpenid && maxAge !== undefined
    const url = buildAuthorizationUrl(configuration, {
      ...preset.parameters,
      ...settings.parameters,
      redirect_uri: request.redirectUri,
      response_type: 'code',
      state: request.state,
      ...(scope !== '' && { scope }),
      ...(provider.isOpenid && { nonce: request.nonce }),
      ...(usesPkce && {
        code_challenge: await calculatePKCECodeChallenge(request.verifier),
        code_challenge_method: 'S256',
      }),
      ...(asksAgain && { prompt: 'login' }),
      ...(isAged && { max_age: maxAge }),
    })
    // Whether the provider has kept to it is judged by when it was asked: people take their time there.
    return { url: url.href, ...(isAged && { keep: String(clock() - Number(maxAge) * 1000) }) }
  }

  async function finish(callback: Callback): Promise<Arrived | Refusal> {
    const configuration = await provider.configuration()
    try {
      const answer = await authorizationCodeGrant(configuration, callbackUrl(callback), {
        expectedState: callback.state,
        idTokenExpected: provider.isOpenid,
        ...(provider.isOpenid && !quirks.withoutNonce && { expectedNonce: callback.nonce }),
        ...(usesPkce && { pkceCodeVerifier: callback.verifier }),
      })
      const claims = provider.isOpenid ? await claimsOf(configuration, answer, callback.nonce) : {}
      if (isRefusal(claims)) return claims
      const old = refuseOld(claims, callback.keep)
      if (old !== undefined) return old
      const carried = carriedBy(callback.parameters)
      const person = await personBehind(configuration, { claims, carried, accessToken: answer.access_token })
      return isRefusal(person) ? person : { ...person, tokens: tokensOf(answer, clock()) }
    } catch (error) {
      return refusalOfExchange(error)
    }
  }

  function claimsOf(
    configuration: Configuration,
    answer: TokenEndpointResponse,
    nonce: string,
  ): Promise<Claims | Refusal> {
    const expected = { metadata: configuration.serverMetadata(), audiences: [settings.client_id], nonce }
    return verifyIdToken(answer.id_token ?? '', { ...expected, ignoresNonce: quirks.withoutNonce === true })
  }

  /** Reads what the provider tells of a person; all of it must be about the subject of the ID token, if there was one. */
  async function personBehind(
    configuration: Configuration,
    from: { claims: Claims; carried: Claims; accessToken: string | undefined; always?: true },
  ): Promise<{ person: Arrived['person'] } | Refusal> {
    const { claims, carried, accessToken } = from
    const told: { -readonly [Key in keyof Told]: Told[Key] } = { claims, carried, userinfo: {}, emails: undefined }
    const address = provider.endpoint('userinfo', configuration.serverMetadata())
    const wantsUserinfo = address !== undefined && (!quirks.withoutUserinfo || from.always)
    if (accessToken !== undefined && wantsUserinfo) {
      const { sub } = claims
      told.userinfo =
        typeof sub === 'string'
          ? await fetchUserInfo(configuration, accessToken, sub)
          : documentOf(await provider.read(address, accessToken))
      const emails = provider.endpoint('emails')
      if (emails !== undefined) told.emails = await provider.read(emails, accessToken)
    }
    const person = personOf(preset.person(told))
    if (person === undefined)
      return refuse('connection_answer_invalid', { detail: 'The provider does not say who it is.' })
    return { person }
  }

  async function checkIdToken(token: string, nonce: string | undefined): Promise<Arrived | Refusal> {
    const configuration = await provider.configuration()
    const audiences = [settings.client_id, ...(settings.app_client_ids ?? [])]
    const claims = await verifyIdToken(token, { metadata: configuration.serverMetadata(), audiences, nonce })
    if (isRefusal(claims)) return refuse('provider_token_invalid')
    return personBehind(configuration, { claims, carried: {}, accessToken: undefined })
  }

  async function checkAccessToken(token: string): Promise<Arrived | Refusal> {
    const endpoint = provider.endpoint('token_check')
    if (quirks.tokenCheck === undefined || endpoint === undefined) {
      return refuse('provider_token_invalid', {
        detail: 'This provider does not say for whom an access token was made.',
      })
    }
    const { url, ...init } = quirks.tokenCheck.request({ endpoint, token, client: provider.client })
    const answer = await provider.ask(url, init)
    if (isRefusal(answer)) return answer
    const madeFor = quirks.tokenCheck.clientOf(answer)
    const ours = [settings.client_id, ...(settings.app_client_ids ?? [])]
    if (!ours.some(id => id === String(madeFor))) return refuse('provider_token_invalid')
    const configuration = await provider.configuration()
    const arrived = await personBehind(configuration, { claims: {}, carried: {}, accessToken: token, always: true })
    return isRefusal(arrived) ? refuse('provider_token_invalid') : { ...arrived, tokens: { accessToken: token } }
  }

  async function readNotice(body: string): Promise<Notice | Refusal> {
    if (quirks.notices === 'facebook') return readSignedRequest(body, provider.client.secret)
    const metadata = (await provider.configuration()).serverMetadata()
    const audiences = [settings.client_id, ...(settings.app_client_ids ?? [])]
    const token = quirks.notices === 'apple' ? payloadOf(body) : body.trim()
    const claims = await securityEvent(token, { metadata, audiences })
    if (isRefusal(claims)) return claims
    return quirks.notices === 'apple' ? noticeOfApple(claims) : noticeOfRisc(claims)
  }

  return {
    name: settings.name,
    title: settings.title ?? preset.title,
    keepsTokens: settings.keep_tokens ?? false,
    trustsEmail: settings.trust_email ?? quirks.emailIsHearsay !== true,
    signUp: settings.sign_up,
    start,
    finish,
    ...(quirks.notices !== undefined && { readNotice }),
    async checkToken({ idToken, accessToken, nonce }: PresentedToken) {
      try {
        if (idToken !== undefined && provider.isOpenid) return await checkIdToken(idToken, nonce)
        if (accessToken !== undefined) return await checkAccessToken(accessToken)
        return refuse('provider_token_invalid')
      } catch (error) {
        // Thrown on if the provider could not be asked.
        refusalOfExchange(error)
        return refuse('provider_token_invalid')
      }
    },
    async refresh(tokens) {
      if (tokens.refreshToken === undefined) return refuse('provider_token_missing')
      try {
        const answer = await refreshTokenGrant(await provider.configuration(), tokens.refreshToken)
        return { ...tokens, ...tokensOf(answer, clock()) }
      } catch (error) {
        refusalOfExchange(error)
        return refuse('provider_token_missing')
      }
    },
  }
}

function presetOf(settings: WrittenConnection): Preset {
  const name = presetNameOf(settings)
  if (name === 'oauth2') return oauth2(settings.profile ?? {})
  return Object.hasOwn(presets, name) ? presets[name as keyof typeof presets] : openid
}

/** The provider was asked that the person has signed in since then (OpenID Connect Core §3.1.2.1, `max_age`), and has to say when they did (§3.1.3.7, point 13). */
function refuseOld({ auth_time: time }: Claims, since: string | undefined): Refusal | undefined {
  if (since === undefined) return undefined
  const isRecent = typeof time === 'number' && time * 1000 >= Number(since) - clockToleranceMs
  return isRecent
    ? undefined
    : refuse('connection_answer_invalid', { detail: 'They did not sign in there as recently as was asked.' })
}

function callbackUrl({ redirectUri, parameters }: Callback): URL {
  const url = new URL(redirectUri)
  for (const [name, value] of parameters) if (name !== 'user') url.searchParams.append(name, value)
  return url
}

/** Apple sends the name beside the code, as JSON. */
function carriedBy(parameters: URLSearchParams): Claims {
  try {
    return documentOf(JSON.parse(parameters.get('user') ?? '{}'))
  } catch {
    return {}
  }
}

function tokensOf(answer: TokenEndpointResponse, now: number): ProviderTokens {
  return {
    accessToken: answer.access_token,
    ...(answer.refresh_token !== undefined && { refreshToken: answer.refresh_token }),
    ...(answer.expires_in !== undefined && { expiresAt: now + answer.expires_in * 1000 }),
    ...(answer.scope !== undefined && { scope: answer.scope }),
  }
}
