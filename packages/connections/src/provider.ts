import { createHmac } from 'node:crypto'
import { type Refusal, refuse } from '@countersign/protocol'
import {
  allowInsecureRequests,
  type ClientAuth,
  Configuration,
  clockTolerance,
  customFetch,
  discovery,
  type ServerMetadata,
} from 'openid-client'
import { unavailabilityIn } from './answer-problems.ts'
import { ConnectionUnavailable } from './connection.ts'
import { isOwn, type WrittenConnection } from './connection-settings.ts'
import type { Claims, EndpointName, Preset, PresetClient } from './preset.ts'
import type { ProviderFetch } from './provider-fetch.ts'

/** One provider, with what is known of it. */
export interface Provider {
  readonly isOpenid: boolean
  readonly client: PresetClient
  /** Discovered when it is first needed, and looked at again every hour. */
  readonly configuration: () => Promise<Configuration>
  readonly endpoint: (name: EndpointName, metadata?: ServerMetadata) => string | undefined
  /** A document about whoever the access token stands for. */
  readonly read: (url: string, accessToken: string) => Promise<unknown>
  /** A request of ours, answered with JSON. A 4xx is a refusal: the token is none that the provider knows. */
  readonly ask: (url: string, init: RequestInit) => Promise<Claims | Refusal>
}

const freshMs = 3_600_000

export function createProvider(options: {
  readonly settings: WrittenConnection
  readonly preset: Preset
  readonly authentication: ClientAuth
  readonly fetch: ProviderFetch
  readonly clock: () => number
}): Provider {
  const { settings, preset, authentication, fetch, clock } = options
  const issuer = issuerOf(settings, preset)
  const client = { id: settings.client_id, secret: settings.client_secret ?? '' }
  const metadata = { [clockTolerance]: 30 }
  let known: { readonly configuration: Configuration; readonly until: number } | undefined
  let coming: Promise<Configuration> | undefined

  const endpoint = (name: EndpointName, discovered?: ServerMetadata): string | undefined =>
    settings.endpoints?.[name] ??
    preset.endpoints?.[name] ??
    (name === 'userinfo' ? discovered?.userinfo_endpoint : undefined)

  function declared(): Configuration {
    const [authorization = '', token = ''] = [endpoint('authorization'), endpoint('token')]
    // Without an issuer of its own the address of its endpoint names it: for messages alone.
    const server = { issuer: new URL(token).origin, authorization_endpoint: authorization, token_endpoint: token }
    const configuration = new Configuration(server, client.id, metadata, authentication)
    configuration[customFetch] = fetch as never
    if (isPlain(token)) allowInsecureRequests(configuration)
    return configuration
  }

  async function discover(address: string): Promise<Configuration> {
    try {
      const configuration = await discovery(new URL(address), client.id, metadata, authentication, {
        [customFetch]: fetch as never,
        execute: isPlain(address) ? [allowInsecureRequests] : [],
      })
      known = { configuration, until: clock() + freshMs }
      return configuration
    } catch (error) {
      // What was found an hour ago is better than nothing.
      if (known !== undefined) return known.configuration
      const { host } = new URL(address)
      throw unavailabilityIn(error) ?? new ConnectionUnavailable(`${host} does not describe itself`, { cause: error })
    }
  }

  return {
    isOpenid: issuer !== undefined,
    client,
    endpoint,
    async configuration() {
      if (known !== undefined && clock() < known.until) return known.configuration
      if (issuer === undefined) {
        known = { configuration: declared(), until: Number.POSITIVE_INFINITY }
        return known.configuration
      }
      coming ??= discover(issuer).finally(() => {
        coming = undefined
      })
      return coming
    },
    async read(url, accessToken) {
      const address = new URL(url)
      if (preset.quirks?.provesSecret === 'facebook') {
        // https://developers.facebook.com/docs/graph-api/guides/secure-requests
        address.searchParams.set('appsecret_proof', hmac(client.secret, accessToken))
      }
      const headers = {
        authorization: `Bearer ${accessToken}`,
        accept: 'application/json',
        'user-agent': 'Countersign',
      }
      const answer = await fetch(address.href, { headers })
      return answer.status === 200 ? await readJson(answer) : undefined
    },
    async ask(url, init) {
      const headers = { accept: 'application/json', 'user-agent': 'Countersign', ...init.headers }
      const answer = await fetch(url, { ...init, headers })
      const document = answer.status === 200 ? await readJson(answer) : undefined
      return isDocument(document) ? document : refuse('provider_token_invalid')
    },
  }
}

/** The document, or an empty one. */
export function documentOf(value: unknown): Claims {
  return isDocument(value) ? value : {}
}

function isDocument(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function readJson(answer: Response): Promise<unknown> {
  try {
    return await answer.json()
  } catch {
    return undefined
  }
}

function issuerOf(settings: WrittenConnection, { issuer }: Preset): string | undefined {
  if (settings.issuer !== undefined) return settings.issuer
  return typeof issuer === 'function' ? issuer({ tenant: settings.tenant ?? 'common' }) : issuer
}

function isPlain(address: string): boolean {
  const url = new URL(address)
  return url.protocol === 'http:' && isOwn(url.hostname)
}

function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}
