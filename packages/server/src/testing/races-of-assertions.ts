import { declareClient } from '@countersign/core'
import type { Store, StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import { assertionFields, assertionKey } from './assertion-key.ts'
import { postForm } from './calls.ts'
import { given } from './given.ts'

/** Fifty at once with one assertion: what must hold on every store. */
export function racesOfAssertions(openStore?: (options: StoreOptions) => Promise<Store>): void {
  test('attack 23 (CVE-2020-15222, CVE-2026-90997): of fifty who present one assertion at once one gets a token', async () => {
    let clock = (): number => 0
    const key = assertionKey(() => clock())
    const job = declareClient({ id: 'job', jwks: [key.jwk], grantTypes: ['client_credentials'] })
    const to = await given.server({ clients: [job], ...(openStore && { openStore }) })
    clock = to.now
    const fields = { grant_type: 'client_credentials', ...assertionFields(key.assertion('job')) }
    const answers = await Promise.all(Array.from({ length: 50 }, () => postForm(to, '/token', fields)))
    const statuses = answers.map(({ status }) => status)
    expect([
      statuses.filter(status => status === 200).length,
      statuses.filter(status => status === 401).length,
    ]).toEqual([1, 49])
  })
}
