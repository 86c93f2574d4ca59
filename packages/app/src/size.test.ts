import { expect, test } from 'vitest'
import { bundleForBrowser, leaksOf } from './testing/bundle.ts'

/** Minified and gzipped: what a page pays for IndexedDB storage, proofs, refresh, fetch, sign-in and sign-out. */
const limit = 6_000

const core = `export { createCountersign } from '@countersign/app'`

test(`the core is at most ${limit} bytes, and nothing has leaked into it`, async () => {
  const bundle = await bundleForBrowser(core)
  const listing = bundle.files.map(({ path, bytes }) => `${bytes} ${path}`).join('\n')
  expect(leaksOf(bundle), listing).toEqual([])
  expect(bundle.gzipBytes, listing).toBeLessThanOrEqual(limit)
})

test('a leak is named', async () => {
  const table = await bundleForBrowser(`${core}\nexport { reasons } from '@countersign/protocol'`)
  expect(leaksOf(table)).toContain('packages/protocol/src/reasons.ts')
  const option = await bundleForBrowser(`${core}\nexport { handleRedirect } from '@countersign/app/redirect'`)
  expect(leaksOf(option)).toEqual(['packages/app/src/redirect.ts'])
})
