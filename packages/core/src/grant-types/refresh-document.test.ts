import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defaultRefreshPolicy } from '../clients/client.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const document = read('../../../../docs/refresh.md')

test('docs/refresh.md names tests that exist, for every row of the table', () => {
  const tests = ['refresh', 'refresh-turns', 'refresh-properties'].map(name => read(`${name}.test.ts`)).join('')
  const named = [...document.matchAll(/^\| ([\d\w, ]+) \| `(.+)` \|$/gm)]
  for (const [, , name] of named) expect(tests).toContain(`'${name}'`)
  const rows = new Set(named.map(([, row]) => Number(row)))
  for (let row = 1; row <= 10; row++) expect(rows).toContain(row)
})

test('docs/refresh.md has the defaults', () => {
  const { graceSeconds, minimumLifeSeconds, minimumLifeBoundSeconds } = defaultRefreshPolicy
  expect(document).toContain(
    `Grace is ${graceSeconds} s. H is ${minimumLifeSeconds} s for unbound families and ${minimumLifeBoundSeconds} for bound ones`,
  )
})
