import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { auditEvents } from './audit.ts'

const page = readFileSync(new URL('../../../../docs/audit.md', import.meta.url), 'utf8')

test('docs/audit.md says of every event what happened, and names none besides', () => {
  const named = [...page.matchAll(/^\| `([a-z._]+)` \| \S/gm)].map(([, name]) => name)
  expect(named).toEqual([...auditEvents])
})
