import { expect, test } from 'vitest'
import { assetHeaders, contentSecurityPolicy, pageHeaders } from './content-security-policy.ts'

function directive(name: string, policy: string): string | undefined {
  return policy.split('; ').find(text => text.startsWith(`${name} `))
}

const formActionFor = (redirectUri: string) => directive('form-action', contentSecurityPolicy({ redirectUri }))

test('nothing runs, nothing foreign loads, nobody frames the page', () => {
  expect(contentSecurityPolicy()).toBe(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; " +
      "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  )
})

test('a form may end at the origin of the redirect URI, and at no other', () => {
  expect(formActionFor('https://notes.example.com/callback?x=1')).toBe("form-action 'self' https://notes.example.com")
  expect(formActionFor('http://127.0.0.1:53211/cb')).toBe("form-action 'self' http://127.0.0.1:53211")
  expect(formActionFor('https://BÜCHER.example/cb')).toBe("form-action 'self' https://xn--bcher-kva.example")
})

test("a native app's own scheme is allowed as a scheme (RFC 8252 §7.1)", () => {
  expect(formActionFor('com.example.notes:/callback')).toBe("form-action 'self' com.example.notes:")
})

test('an IPv6 loopback redirect, which a policy cannot name, is allowed by its scheme (RFC 8252 §7.3)', () => {
  expect(formActionFor('http://[::1]:53211/cb')).toBe("form-action 'self' http:")
})

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'blob:https://a.example/x',
  'not a url',
  '',
  'https://a;script-src *.example/cb',
  "https://a;script-src'unsafe-inline'.example/cb",
  'https://a,b.example/cb',
  'https://*.example/cb',
])('a redirect URI of %j adds nothing to the policy', redirectUri => {
  expect(contentSecurityPolicy({ redirectUri })).toBe(contentSecurityPolicy())
})

test('nothing foreign loads', () => {
  for (const name of ['img-src', 'style-src']) expect(directive(name, contentSecurityPolicy())).toBe(`${name} 'self'`)
  expect(directive('default-src', contentSecurityPolicy())).toBe("default-src 'none'")
})

test('pages are not stored, not framed, not sniffed, and keep their Origin on our own forms', () => {
  expect(pageHeaders()).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  })
})

test('a page that leads on to an application is not cut off from the window that has opened it, and every other one is', () => {
  const policyOf = (options?: Parameters<typeof pageHeaders>[0]) => pageHeaders(options)['cross-origin-opener-policy']
  expect(policyOf({ redirectUri: 'https://app.example/callback' })).toBe('unsafe-none')
  expect(policyOf({ leadsToApplication: true })).toBe('unsafe-none')
  expect([policyOf(), policyOf({ leadsToApplication: false })]).toEqual(['same-origin', 'same-origin'])
})

test('no header value can be broken by a line feed in an argument', () => {
  const headers = pageHeaders({ redirectUri: 'https://a.example/\r\nSet-Cookie: a=b' })
  for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]+$/)
})

test('assets are kept for good and only by our own pages', () => {
  expect(assetHeaders('text/css; charset=utf-8')).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  })
})
