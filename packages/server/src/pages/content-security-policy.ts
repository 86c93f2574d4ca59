/**
 * The headers of the hosted pages: a zone apart, where nothing runs and nothing foreign loads.
 *
 * @module
 */

/** What a page's policy depends on. */
export interface PageHeaderOptions {
  /**
   * Where the form's answer redirects to, when that is another origin: the client's redirect URI.
   * Browsers apply `form-action` to the whole chain of redirects after a form post, so without this the sign-in would
   * end at a blocked page. Absent where no form leads to the client (`hosted/go-on.ts`). Native apps' own schemes are allowed as a scheme.
   */
  readonly redirectUri?: string
  /** The page leads on to an application; by default one that names a redirect URI does. Where that has opened the page in a window of its own, it must find it again. */
  readonly leadsToApplication?: boolean
  /** The one script that the page holds, as `'sha256-…'`: for the page that sends itself. Its form may go on to any site over TLS, as an application's answer may. */
  readonly scriptHash?: string
}

/**
 * Headers for every HTML answer (names in lower case).
 * `Referrer-Policy` is `same-origin`, not `no-referrer`: under the latter browsers send `Origin: null` with our own
 * forms, and the check of `Origin` would refuse them. Nothing goes to other sites either way.
 */
export function pageHeaders(options: PageHeaderOptions = {}): Record<string, string> {
  const { leadsToApplication = options.redirectUri !== undefined } = options
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy(options),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    // A window that is cut off from who has opened it stays so, back at the application too.
    'cross-origin-opener-policy': leadsToApplication ? 'unsafe-none' : 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': permissionsPolicy,
    'cache-control': 'no-store',
  }
}

/** Headers for the files that pages load. Their URLs hold a hash of the content, so they may be kept for good. */
export function assetHeaders(contentType: string): Record<string, string> {
  return {
    'content-type': contentType,
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'public, max-age=31536000, immutable',
  }
}

/** The policy alone. A redirect URI that a policy cannot name safely adds nothing: closed, not open. */
export function contentSecurityPolicy(options: PageHeaderOptions = {}): string {
  const { redirectUri, scriptHash } = options
  return [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...(scriptHash === undefined ? [] : [`script-src ${scriptHash}`]),
    [
      scriptHash === undefined ? "form-action 'self'" : 'form-action https:',
      redirectUri === undefined ? undefined : redirectSource(redirectUri),
    ],
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]
    .map(directive => (typeof directive === 'string' ? directive : directive.filter(Boolean).join(' ')))
    .join('; ')
}

/** Passkeys stay possible on our own pages; everything else that a page could ask a browser for is off. */
const permissionsPolicy = [
  ...[
    'accelerometer',
    'autoplay',
    'browsing-topics',
    'camera',
    'display-capture',
    'fullscreen',
    'geolocation',
    'gyroscope',
    'magnetometer',
    'microphone',
    'midi',
    'payment',
    'screen-wake-lock',
    'serial',
    'usb',
    'xr-spatial-tracking',
  ].map(feature => `${feature}=()`),
  'publickey-credentials-create=(self)',
  'publickey-credentials-get=(self)',
].join(', ')

/** Schemes that run or hold content, or that the browser keeps for itself, and so are no way back to an app. */
const forbiddenSchemes = new Set([
  'about:',
  'blob:',
  'data:',
  'file:',
  'filesystem:',
  'javascript:',
  'vbscript:',
  'ws:',
  'wss:',
])

function redirectSource(redirectUri: string): string | undefined {
  const url = URL.parse(redirectUri)
  if (url === null || forbiddenSchemes.has(url.protocol)) return undefined
  if (url.protocol === 'http:' || url.protocol === 'https:') return webSource(redirectUri)
  // A private-use scheme (RFC 8252 §7.1) has no origin; the grammar of a scheme is that of a CSP scheme-source.
  return url.protocol
}

function webSource(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  // The grammar of CSP has no IPv6 address (CSP3 §2.3.1, host-source), so RFC 8252's [::1] can only be named by its scheme.
  if (url.hostname.startsWith('[')) return url.protocol
  // URL hosts may hold ';' and ',', which would end the directive or the policy.
  return /^[a-z0-9._-]+(?::\d+)?$/.test(url.host) ? url.origin : undefined
}
