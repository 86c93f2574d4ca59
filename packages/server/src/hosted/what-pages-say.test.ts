import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { get } from '../testing/calls.ts'
import { closeGiven, given } from '../testing/given.ts'

afterEach(closeGiven)

describe('a new password that is not accepted: the page says the one thing that is wrong with it', () => {
  test.each([
    ['short', 'The password needs at least 8 characters.'],
    ['password123', 'The password is one that many people use.'],
    ['maria@example.com', 'The password must not be the e-mail address.'],
  ])('%s', async (password, sentence) => {
    const to = await given.server()
    const { status, text } = await browser(to).submit('/sign-up', { email: 'maria@example.com', password })
    expect(status).toBe(400)
    expect(text).toContain(`${sentence} Please choose another.`)
    expect(text).not.toContain('too short, too long')
  })
})

test('an address that does not exist is a page for a browser and a refusal for a program', async () => {
  const to = await given.server()
  const page = await get(to, '/acount', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
  expect([page.status, page.headers['countersign-reason']]).toEqual([404, 'not_found'])
  expect(page.headers['content-type']).toContain('text/html')
  expect(page.text).toContain('There is nothing here')
  expect((await get(to, '/acount', { accept: '*/*' })).body.reason).toBe('not_found')
})

test('a browser that asks for /favicon.ico gets the mark', async () => {
  const to = await given.server()
  const { headers, status } = await get(to, '/favicon.ico')
  expect([status, headers['content-type']]).toEqual([200, 'image/svg+xml'])
  expect(headers['cache-control']).not.toContain('immutable')
})
