import { readFile } from 'node:fs/promises'
import { reasons } from '@countersign/protocol'
import { expect, test } from 'vitest'
import { errorsDocument } from './errors-document.ts'

const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8')

test('every reason of the table is on the page, and the page lists no other', () => {
  const listed = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, reason]) => reason)
  expect(listed).toEqual(Object.keys(reasons))
})

test('the page is what the table says now (else: npm run docs:errors)', () => {
  expect(page).toBe(errorsDocument())
})

test('a row that changes changes the page', () => {
  const changed = { ...reasons, token_missing: { ...reasons.token_missing, status: 403 as const } }
  expect(errorsDocument(changed)).not.toBe(page)
})
