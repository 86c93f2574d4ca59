import { expect, test } from 'vitest'
import { sampleTime as now, sampleClient, sampleIssuer } from '../sample-rows.ts'
import { changeClient } from './change-client.ts'

const snapshot = { now, issuer: sampleIssuer() }

test('a change is one row and one audit row, on disk before the answer; nothing that was given dies of it', () => {
  const client = sampleClient({ name: 'Another name' })
  expect(changeClient(snapshot, client, { event: 'client.changed', facts: { by: 'operator' } })).toEqual({
    writes: [{ table: 'client', row: client }],
    audit: [{ event: 'client.changed', time: now, clientId: 'demo', facts: { by: 'operator' } }],
    entries: [],
    durable: true,
    time: now,
  })
})

test('a revocation raises the epoch and tells every API', () => {
  const { writes, entries } = changeClient(snapshot, sampleClient({ epoch: 4 }), {
    event: 'client.revoked',
    ends: true,
  })
  expect(writes).toMatchObject([{ table: 'client', row: { epoch: 5 } }])
  expect(entries).toMatchObject([{ kind: 'client', id: 'demo', below: 5 }])
})

test('a longer access token than ever is noted with it: entries of the feed are kept for so long', () => {
  const client = sampleClient()
  const longer = { ...client, lifetimes: { ...client.lifetimes, accessTokenSeconds: 7_200 } }
  const { writes } = changeClient(snapshot, longer, { event: 'client.changed' })
  expect(writes).toMatchObject([{ table: 'client' }, { table: 'issuer', row: { longestAccessTokenSeconds: 7_200 } }])
})
