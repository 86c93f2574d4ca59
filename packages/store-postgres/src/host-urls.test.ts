import { expect, test } from 'vitest'
import { urlsOf } from './host-urls.ts'

test.each([
  ['postgres://db/logins', ['postgres://db/logins']],
  ['postgres://me:se,cret@a,b:5433/logins', ['postgres://me:se,cret@a/logins', 'postgres://me:se,cret@b:5433/logins']],
  [
    'postgresql://[::1]:5432,[::2]/x?sslmode=verify-full',
    ['postgresql://[::1]:5432/x?sslmode=verify-full', 'postgresql://[::2]/x?sslmode=verify-full'],
  ],
  ['postgres://a,b', ['postgres://a', 'postgres://b']],
])('%s names its hosts, each with the rest of the URL', (url, urls) => {
  expect(urlsOf(url)).toEqual(urls)
})
