import { expect, test } from 'vitest'
import { currentEpochs, isOutlived } from './epochs.ts'

const now = { all: 5, user: 3, client: 2, grant: 7 }

test('what was authorised under the epochs of now stands, and what under later ones too', () => {
  expect(isOutlived(now, now)).toBe(false)
  expect(isOutlived({ all: 6, user: 4, client: 3, grant: 8 }, now)).toBe(false)
})

test('CVE-2026-8922, CVE-2026-18218: each epoch is compared by itself; a high one does not hide a low one', () => {
  for (const lower of [{ all: 4 }, { user: 2 }, { client: 1 }, { grant: 6 }]) {
    expect(isOutlived({ all: 9, user: 9, client: 9, grant: 9, ...lower }, now)).toBe(true)
  }
})

test('an epoch that one side does not have says nothing', () => {
  expect(isOutlived({ all: 5 }, now)).toBe(false)
  expect(isOutlived(now, { all: 5 })).toBe(false)
})

test('the epochs of now are those of the rows that authorise', () => {
  expect(currentEpochs({ issuer: { epoch: 5 } })).toEqual({ all: 5 })
  expect(currentEpochs({ issuer: { epoch: 5 }, user: { epoch: 3 }, client: { epoch: 2 } })).toEqual({
    all: 5,
    user: 3,
    client: 2,
  })
})
