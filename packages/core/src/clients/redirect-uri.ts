/**
 * True if `presented` is a registered redirect URI: the same string (RFC 9700 §4.1.3). One exception: a registered
 * loopback address matches with any port (RFC 8252 §7.3), everything else in it to the letter.
 */
export function redirectUriIsRegistered(presented: string, registered: readonly string[]): boolean {
  if (registered.includes(presented)) return true
  const port = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(\/[^#\\\s]*)?$/
  const asked = port.exec(presented)
  if (asked === null || !URL.canParse(presented)) return false
  return registered.some(uri => {
    const own = port.exec(uri)
    return own !== null && own[1] === asked[1] && (own[2] ?? '') === (asked[2] ?? '')
  })
}

/** The web origins (RFC 6454) of redirect URIs: from there a browser's app calls. A private scheme has none. */
export function webOrigins(redirectUris: readonly string[]): readonly string[] {
  const urls = redirectUris.filter(uri => /^https?:/.test(uri)).flatMap(uri => URL.parse(uri) ?? [])
  return [...new Set(urls.map(url => url.origin))]
}

/** An authority without user information, whose host reads the same for people, parsers and string comparison. */
const plainAuthority = /^https?:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?([/?]|$)/i

/** What may be registered: an absolute URI without fragment or user information; no scheme that a browser executes. */
export function redirectUriIsAcceptable(uri: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!URL.canParse(uri) || /[#\\\s\u0000-\u001f\u007f]|%0[0ad]/i.test(uri)) return false
  const { protocol, username, password, hostname } = new URL(uri)
  if (username !== '' || password !== '') return false
  if (protocol === 'https:') return plainAuthority.test(uri)
  if (protocol === 'http:') {
    const isLoopback = hostname === '127.0.0.1' || hostname === '[::1]' || hostname === 'localhost'
    return isLoopback && plainAuthority.test(uri)
  }
  // A native app's private scheme holds a dot (RFC 8252 §7.1), which javascript:, data: and file: do not.
  return protocol.includes('.')
}
