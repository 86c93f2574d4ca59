import { isSecureUrl } from '../outbound.ts'
import { publicKeyAlgorithms } from '../signature.ts'
import type { Verifier } from '../verifier.ts'
import type { Answer } from './decision.ts'
import type { RequestView } from './request-view.ts'

/** An API as it describes itself to clients that know nothing but its address (RFC 9728 §3). */
export interface ResourceOptions {
  /** The API's address as clients know it, and as they name it in `resource` (RFC 8707): https, no query, no fragment. */
  readonly resource: string
  /** Who gives tokens for it. Default: the verifier's issuer. */
  readonly authorizationServers?: readonly string[]
  /** Scopes that a client may want. */
  readonly scopes?: readonly string[]
  /** For people. */
  readonly name?: string
  readonly documentation?: string
  readonly policyUri?: string
  readonly termsUri?: string
  /** Only tokens that are bound to a key are accepted (RFC 9449). */
  readonly bound?: boolean
}

/** The description, and where it is. */
export interface ResourceMetadata {
  /** For `resource_metadata` in challenges (RFC 9728 §5.1). */
  readonly url: string
  /** The answer to a request for it; undefined for every other. */
  answer(view: RequestView): Answer | undefined
}

const wellKnown = '/.well-known/oauth-protected-resource'
const names: ReadonlySet<string> = new Set<keyof ResourceOptions>([
  'resource',
  'authorizationServers',
  'scopes',
  'name',
  'documentation',
  'policyUri',
  'termsUri',
  'bound',
])

/** Anybody may read it, a page of any origin too: it says what every challenge says. */
const headers = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET',
  'access-control-allow-headers': '*',
  'cache-control': 'public, max-age=300',
}

/** Throws a TypeError if the options are wrong. */
export function describeResource({ issuer }: Pick<Verifier, 'issuer'>, options: ResourceOptions): ResourceMetadata {
  for (const name of Object.keys(options)) if (!names.has(name)) throw new TypeError(`resource has no option "${name}"`)
  const { resource, scopes, authorizationServers = [issuer] } = options
  const { origin, pathname } = readResource(resource)
  const path = `${wellKnown}${pathname === '/' ? '' : pathname}`
  const document = {
    resource,
    authorization_servers: authorizationServers,
    ...(scopes && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: publicKeyAlgorithms,
    dpop_bound_access_tokens_required: options.bound ?? false,
    ...(options.name !== undefined && { resource_name: options.name }),
    ...(options.documentation !== undefined && { resource_documentation: options.documentation }),
    ...(options.policyUri !== undefined && { resource_policy_uri: options.policyUri }),
    ...(options.termsUri !== undefined && { resource_tos_uri: options.termsUri }),
  }
  const common = { pass: false, vary: [], expose: [] } as const
  const whole = { ...headers, 'content-type': 'application/json' }
  const found: Answer = { ...common, status: 200, headers: whole, body: JSON.stringify(document) }
  const preflight: Answer = { ...common, status: 204, headers, body: '' }
  return {
    url: `${origin}${path}`,
    answer({ target, method }) {
      if (target.split('?', 1)[0] !== path) return undefined
      if (method === 'OPTIONS') return preflight
      return method === 'GET' || method === 'HEAD' ? found : undefined
    },
  }
}

function readResource(resource: unknown): URL {
  const url = typeof resource === 'string' ? URL.parse(resource) : null
  if (url === null || /[?#"\\\s]/.test(resource as string) || url.username !== '' || !isSecureUrl(url.href)) {
    throw new TypeError('resource must be the https URL of this API, without query or fragment (is its variable set?)')
  }
  return url
}
