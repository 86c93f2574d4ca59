import { fetchJson, isSecureUrl, OutboundFault } from './outbound.ts'
import type { Runtime } from './runtime.ts'

/** What of an issuer's metadata is used here (RFC 8414 §2, OpenID Connect Discovery §3). */
export interface IssuerMetadata {
  readonly jwksUri: string
  readonly introspectionEndpoint: string | undefined
}

/** Metadata were sent, but they are not those of the issuer, or lack what is needed. */
class MetadataFault extends OutboundFault {}

const limits = { milliseconds: 10_000, bytes: 256 * 1024 }

/**
 * Reads the issuer's metadata, from the OpenID Connect place and then from RFC 8414's. The document must name the
 * issuer letter by letter (RFC 8414 §3.3), and keys must come over TLS or from this machine. Throws `OutboundFault`.
 */
async function discover(
  runtime: Pick<Runtime, 'fetch' | 'timers'>,
  issuer: string,
  insecureHttp: boolean,
): Promise<IssuerMetadata> {
  const faults: unknown[] = []
  for (const url of metadataUrls(issuer)) {
    try {
      const { status, body } = await fetchJson(runtime, url, { headers: { accept: 'application/json' } }, limits)
      if (status === 200) return readMetadata(body, issuer, insecureHttp)
      faults.push(new OutboundFault(`${url} answered ${status}`))
    } catch (thrown) {
      faults.push(thrown)
    }
  }
  // Metadata that are there and wrong say more than a place where there are none.
  throw faults.find(fault => fault instanceof MetadataFault) ?? faults[0]
}

function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

function readMetadata(body: unknown, issuer: string, insecureHttp: boolean): IssuerMetadata {
  const document = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>
  if (document.issuer !== issuer) throw new MetadataFault(`${issuer} says that it is ${nameOf(document.issuer)}`)
  const { jwks_uri: jwksUri, introspection_endpoint: introspectionEndpoint } = document
  if (!isUsableUrl(jwksUri, insecureHttp)) {
    throw new MetadataFault(`the metadata of ${issuer} name no usable jwks_uri`)
  }
  return {
    jwksUri,
    introspectionEndpoint: isUsableUrl(introspectionEndpoint, insecureHttp) ? introspectionEndpoint : undefined,
  }
}

/** Fit for a line in a log, whoever answered. */
function nameOf(issuer: unknown): string {
  return typeof issuer === 'string' && /^https?:[\x21-\x7e]{1,300}$/.test(issuer) ? issuer : 'another issuer'
}

function isUsableUrl(value: unknown, insecureHttp: boolean): value is string {
  return typeof value === 'string' && URL.canParse(value) && (insecureHttp || isSecureUrl(value))
}

/** Metadata read once and kept: single flight, and forgotten when told to. */
export interface MetadataSource {
  get(): Promise<IssuerMetadata>
  /** Reads them anew at the next `get`, in case an address in them has moved. */
  forget(): void
}

export function metadataSource(
  runtime: Pick<Runtime, 'fetch' | 'timers'>,
  issuer: string,
  insecureHttp: boolean,
): MetadataSource {
  let reading: Promise<IssuerMetadata> | undefined
  return {
    get() {
      if (reading === undefined) {
        const attempt = discover(runtime, issuer, insecureHttp)
        reading = attempt
        attempt.catch(() => {
          if (reading === attempt) reading = undefined
        })
      }
      return reading
    },
    forget() {
      reading = undefined
    },
  }
}
