import { describe, expect, test } from 'vitest'
import { redirectUriIsAcceptable, redirectUriIsRegistered, webOrigins } from './redirect-uri.ts'

const registered = [
  'https://app.example/callback',
  'https://app.example/other?fixed=1',
  'http://127.0.0.1/callback',
  'http://[::1]/callback',
  'http://localhost:3000/callback',
  'com.example.app:/callback',
]

describe('a presented redirect URI', () => {
  test('matches as the same string', () => {
    for (const uri of registered) expect(redirectUriIsRegistered(uri, registered)).toBe(true)
  })

  test.each(['http://127.0.0.1:49152/callback', 'http://127.0.0.1:1/callback', 'http://[::1]:49152/callback'])(
    'on loopback matches with any port (RFC 8252 §7.3): %s',
    uri => {
      expect(redirectUriIsRegistered(uri, registered)).toBe(true)
    },
  )

  test.each([
    ['another path', 'https://app.example/callback2'],
    ['a longer path', 'https://app.example/callback/'],
    ['CVE-2026-3872: a path below', 'https://app.example/callback/../evil'],
    ['CVE-2026-3872: a path parameter', 'https://app.example/callback/..;/evil'],
    ['CVE-2026-9689: a parameter of the answer', 'https://app.example/callback?code=x&state=y'],
    ['a query more', 'https://app.example/callback?x=1'],
    ['a query less', 'https://app.example/other'],
    ['a fragment', 'https://app.example/callback#x'],
    ['another scheme', 'http://app.example/callback'],
    ['another port', 'https://app.example:8443/callback'],
    ['the default port, spelled out', 'https://app.example:443/callback'],
    ['GHSA-grfp-q2mm-hfp6: other case', 'https://APP.example/callback'],
    ['dot as wildcard', 'https://appXexample/callback'],
    ['a host that ends alike', 'https://evilapp.example/callback'],
    ['a host that begins alike', 'https://app.example.evil/callback'],
    ['GHSA-86j7-9j95-vpqj: a script', 'javascript:alert(1)//https://app.example/callback'],
    ['data', 'data:text/html,https://app.example/callback'],
    ['no scheme', '//evil/callback'],
    ['a backslash', 'https://app.example\\evil/callback'],
    ['a backslash alone', '\\evil'],
    ['a line break, encoded', 'https://app.example/callback%0d%0aLocation:x'],
    ['a line break', 'https://app.example/callback\n'],
    ['a space', ' https://app.example/callback'],
    ['CVE-2026-28512: user information', 'https://app.example@evil/callback'],
    ['CVE-2026-7504: several @', 'https://app.example@x@evil/callback'],
    ['CVE-2024-52289: a pattern', 'https://app.example/.*'],
    ['CVE-2024-8883: loopback in front', 'http://127.0.0.1.evil/callback'],
    ['loopback as user', 'http://127.0.0.1@evil/callback'],
    ['loopback as user with a port', 'http://127.0.0.1:80@evil/callback'],
    ['loopback with another path', 'http://127.0.0.1:49152/callback/x'],
    ['CVE-2020-15233: loopback with a query', 'http://127.0.0.1:49152/callback?x=1'],
    ['CVE-2020-15233: loopback where none is registered', 'http://127.0.0.1/other'],
    ['loopback with a fragment', 'http://127.0.0.1:49152/callback#x'],
    ['loopback without a path', 'http://127.0.0.1:49152'],
    ['loopback by TLS', 'https://127.0.0.1/callback'],
    ['loopback by another number', 'http://127.0.0.2/callback'],
    ['loopback in another spelling', 'http://0x7f.1/callback'],
    ['a port that is none', 'http://127.0.0.1:99999/callback'],
    ['a port that is no number', 'http://127.0.0.1:x/callback'],
    ['localhost with another port', 'http://localhost:3001/callback'],
    ['a private scheme with an authority', 'com.example.app://callback'],
    ['nothing', ''],
  ])('%s does not match', (_what, uri) => {
    expect(redirectUriIsRegistered(uri, registered)).toBe(false)
  })

  test('CVE-2020-15233: a client that has registered no loopback address has none', () => {
    for (const uri of ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost:3000/callback']) {
      expect(redirectUriIsRegistered(uri, ['https://app.example/callback', 'com.example.app:/callback'])).toBe(false)
    }
  })

  test('matches nothing for a client without redirect URIs', () => {
    for (const uri of ['', 'http://127.0.0.1/callback']) expect(redirectUriIsRegistered(uri, [])).toBe(false)
  })

  test('with a loopback registered with a port, still matches with any port', () => {
    expect(redirectUriIsRegistered('http://127.0.0.1:5000/cb', ['http://127.0.0.1:4402/cb'])).toBe(true)
  })
})

describe('for registration', () => {
  test.each(['https://app.example/callback', 'https://app.example', 'https://app.example:8443/cb?x=1', ...registered])(
    '%s is acceptable',
    uri => {
      expect(redirectUriIsAcceptable(uri)).toBe(true)
    },
  )

  test.each([
    ['CVE-2026-22752: a script', 'javascript:alert(1)'],
    ['CVE-2020-26938: a script with a dot in it', 'javascript:document.write(1)'],
    ['a script in other case', 'JavaScript:alert(1)'],
    ['data', 'data:text/html,<script>'],
    ['a file', 'file:///etc/passwd'],
    ['a blob', 'blob:https://app.example/1'],
    ['a page about nothing', 'about:blank'],
    ['a private scheme without a dot', 'myapp:/callback'],
    ['plain HTTP off loopback', 'http://app.example/callback'],
    ['plain HTTP to a look-alike of loopback', 'http://127.0.0.1.evil/callback'],
    ['plain HTTP to a look-alike of localhost', 'http://localhost.evil/callback'],
    ['a fragment', 'https://app.example/callback#x'],
    ['an empty fragment', 'https://app.example/callback#'],
    ['user information', 'https://user@app.example/callback'],
    ['a password', 'https://user:password@app.example/callback'],
    ['user information behind a private scheme', 'com.example.app://user@callback'],
    ['empty user information', 'https://@app.example/callback'],
    ['empty user information with a colon', 'https://:@app.example/callback'],
    ['a backslash', 'https:\\\\app.example\\callback'],
    ['no slashes', 'https:app.example/callback'],
    ['one slash', 'https:/app.example/callback'],
    ['three slashes', 'https:///app.example/callback'],
    ['no scheme', '//app.example/callback'],
    ['a path alone', '/callback'],
    ['a line break, encoded', 'https://app.example/%0d%0aX:1'],
    ['a line break, encoded in capitals', 'https://app.example/%0D%0AX:1'],
    ['a NUL, encoded', 'https://app.example/%00'],
    ['a tab', 'https://app.exa\tmple/callback'],
    ['a space before it', ' https://app.example/callback'],
    ['a delete character', 'https://app.example/\u007f'],
    ['an encoded host', 'https://app%2eexample/callback'],
    ['a pattern as host', 'https://*.example/callback'],
    ['nothing', ''],
  ])('%s is not', (_what, uri) => {
    expect(redirectUriIsAcceptable(uri)).toBe(false)
  })
})

test('web origins are those of web addresses, each once', () => {
  const uris = [...registered, 'https://APP.example:443/x', 'https://']
  expect(webOrigins(uris)).toEqual(['https://app.example', 'http://127.0.0.1', 'http://[::1]', 'http://localhost:3000'])
})
