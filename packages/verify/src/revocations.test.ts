import type { EpochEntry, FeedEntry, NamedKind } from '@countersign/protocol'
import { describe, expect, test } from 'vitest'
import type { VerifiedClaims } from './claims.ts'
import { revocations } from './revocations.ts'

const until = 2_000
const base: VerifiedClaims = { iss: 'x', sub: 'user-1', aud: 'api', iat: 1_000, exp: 1_900 }

function kills(entries: readonly FeedEntry[], claims: Partial<VerifiedClaims>, kid?: string): boolean {
  const known = revocations()
  known.add(entries)
  return known.kills({ ...base, ...claims }, kid) !== undefined
}

function epoch(kind: EpochEntry['kind'], id: string, below: number, atSeconds = 0): EpochEntry {
  return { kind, id, below, at: atSeconds, until }
}

function named(kind: NamedKind, id: string): FeedEntry {
  return { kind, id, until }
}

test('tokens of a login that tell what was are outdated, not revoked; those that tell nothing, and those of others, stand', () => {
  const known = revocations()
  known.add([epoch('claims', 'f', 3, 2_000)])
  const judged = (claims: Partial<VerifiedClaims>) => known.kills({ ...base, ...claims }, undefined)
  expect(judged({ fam: 'f', epo: { all: 1, claims: 2 } })).toBe('token_outdated')
  expect(judged({ fam: 'f', epo: { all: 1, claims: 3 } })).toBeUndefined()
  expect(judged({ fam: 'f', epo: { all: 1 } })).toBeUndefined()
  expect(judged({ fam: 'g', epo: { all: 1, claims: 2 } })).toBeUndefined()
  known.add([{ kind: 'family', id: 'f', until }])
  expect(judged({ fam: 'f', epo: { all: 1, claims: 2 } })).toBe('token_revoked')
})

test('what is named is dead: token, family, session, and all that a key signed', () => {
  const claims = { jti: 'a', fam: 'b', sid: 'c' }
  expect(kills([{ kind: 'token', id: 'a', until }], claims, 'd')).toBe(true)
  expect(kills([{ kind: 'family', id: 'b', until }], claims, 'd')).toBe(true)
  expect(kills([{ kind: 'session', id: 'c', until }], claims, 'd')).toBe(true)
  expect(kills([{ kind: 'key', id: 'd', until }], claims, 'd')).toBe(true)
  for (const kind of ['token', 'family', 'session', 'key'] as const) {
    expect(kills([{ kind, id: 'other', until }], claims, 'd')).toBe(false)
    expect(kills([{ kind, id: 'undefined', until }], {})).toBe(false)
  }
})

test('one kind of name is never taken for another', () => {
  expect(kills([{ kind: 'session', id: 'a', until }], { jti: 'a', fam: 'a' }, 'a')).toBe(false)
  expect(kills([epoch('client', 'user-1', 9)], { epo: { all: 1, user: 1 } })).toBe(false)
})

test('an epoch kills what carries a lower one, and lets the login right after it live', () => {
  for (const [kind, id] of [
    ['all', ''],
    ['user', 'user-1'],
    ['client', 'app'],
  ] as const) {
    const raised = [epoch(kind, id, 5, 5_000)]
    expect(kills(raised, { client_id: 'app', epo: { all: 4, user: 4, client: 4 } })).toBe(true)
    expect(kills(raised, { client_id: 'app', epo: { all: 5, user: 5, client: 5 } })).toBe(false)
    expect(kills(raised, { client_id: 'app', epo: { all: 6, user: 6, client: 6 } })).toBe(false)
  }
})

describe('an exchanged token dies with what it was made from', () => {
  const via = [
    { client_id: 'orders', jti: 'jti-2', client: 5 },
    { client_id: 'app', jti: 'jti-1', client: 3, grant: 2 },
  ]
  const token = { client_id: 'stock', epo: { all: 1, user: 1, client: 1, via } }

  test.each([
    ['the token in between', named('token', 'jti-2')],
    ['the first token', named('token', 'jti-1')],
    ['the client in between', epoch('client', 'orders', 6)],
    ['the application', epoch('client', 'app', 4)],
    ['what the user had allowed the application', epoch('grant', 'user-1 app', 3)],
  ])('%s', (_what, entry) => {
    expect(kills([entry], token)).toBe(true)
  })

  test.each([
    ['another token', named('token', 'jti-3')],
    ['a lower epoch of the client', epoch('client', 'orders', 5)],
    ['another client', epoch('client', 'other', 9)],
    ['what the user allowed another', epoch('grant', 'user-1 orders', 0)],
  ])('and not with %s', (_what, entry) => {
    expect(kills([entry], token)).toBe(false)
  })
})

test('a grant is named by its user and its client', () => {
  const raised = [epoch('grant', 'user-1 app', 3)]
  expect(kills(raised, { client_id: 'app', epo: { all: 1, grant: 2 } })).toBe(true)
  expect(kills(raised, { client_id: 'app', epo: { all: 1, grant: 3 } })).toBe(false)
  expect(kills(raised, { client_id: 'other', epo: { all: 1, grant: 2 } })).toBe(false)
})

test('tokens without epochs, from other issuers, die by the time they were issued at', () => {
  for (const [kind, id] of [
    ['all', ''],
    ['user', 'user-1'],
    ['client', 'app'],
  ] as const) {
    expect(kills([epoch(kind, id, 1, 999)], { client_id: 'app' })).toBe(false)
    expect(kills([epoch(kind, id, 1, 1_000)], { client_id: 'app' })).toBe(true)
    expect(kills([epoch(kind, id, 1, 1_001)], { client_id: 'app' })).toBe(true)
  }
  expect(kills([epoch('user', 'user-2', 1, 9_999)], {})).toBe(false)
})

test('CVE-2026-8922: of two limits the smaller never hides the larger, in whatever order they come', () => {
  const [small, large] = [epoch('user', 'user-1', 2, 500), epoch('user', 'user-1', 7, 1_500)]
  for (const entries of [
    [small, large],
    [large, small],
  ]) {
    expect(kills(entries, { epo: { all: 0, user: 6 } })).toBe(true)
    expect(kills(entries, {})).toBe(true)
  }
  const everybody = epoch('all', '', 1, 500)
  expect(kills([everybody, large], { epo: { all: 1, user: 6 } })).toBe(true)
  expect(kills([large, epoch('all', '', 9)], { epo: { all: 8, user: 7 } })).toBe(true)
})

test('an entry is kept until its time, and the longer of two times counts', () => {
  const known = revocations()
  known.add([{ kind: 'session', id: 'a', until: 100 }])
  known.add([
    { kind: 'session', id: 'a', until: 50 },
    { kind: 'session', id: 'b', until: 60 },
  ])
  known.prune(61)
  expect(known.size).toBe(1)
  expect(known.kills({ ...base, sid: 'a' }, undefined)).toBe('token_revoked')
  known.prune(101)
  expect(known.size).toBe(0)
})

test('a snapshot takes the place of everything before it', () => {
  const known = revocations()
  known.add([{ kind: 'session', id: 'a', until }])
  const { version } = known
  known.replace([{ kind: 'session', id: 'b', until }, epoch('all', 'whatever', 3)])
  expect(known.version).toBeGreaterThan(version)
  expect(known.kills({ ...base, sid: 'a', epo: { all: 3 } }, undefined)).toBeUndefined()
  expect(known.kills({ ...base, sid: 'b', epo: { all: 3 } }, undefined)).toBe('token_revoked')
  expect(known.kills({ ...base, epo: { all: 2 } }, undefined)).toBe('token_revoked')
})

test('where there is no room for all, a flood of tokens pushes out nothing that kills more', () => {
  const flood = Array.from({ length: 100 }, (_, i): FeedEntry => ({ kind: 'token', id: `t${i}`, until }))
  const weighty: FeedEntry[] = [
    { kind: 'family', id: 'f', until },
    { kind: 'session', id: 's', until },
    epoch('user', 'user-9', 2),
    { kind: 'key', id: 'k', until },
    epoch('all', '', 2),
  ]
  for (const entries of [
    [...flood, ...weighty],
    [...weighty, ...flood],
  ]) {
    for (const fill of ['replace', 'add'] as const) {
      const known = revocations(10)
      expect(known[fill](entries)).toBe(false)
      expect(known.size).toBe(10)
      const alive = { ...base, epo: { all: 2 } }
      expect(known.kills(alive, undefined)).toBeUndefined()
      expect(known.kills({ ...alive, fam: 'f' }, undefined)).toBe('token_revoked')
      expect(known.kills({ ...alive, sid: 's' }, undefined)).toBe('token_revoked')
      expect(known.kills({ ...alive, sub: 'user-9', epo: { all: 2, user: 1 } }, undefined)).toBe('token_revoked')
      expect(known.kills(alive, 'k')).toBe('token_revoked')
      expect(known.kills({ ...base, epo: { all: 1 } }, undefined)).toBe('token_revoked')
    }
  }
})

test('without any token among them the logins give way to epochs and keys; what is known already takes no room', () => {
  const known = revocations(2)
  expect(known.add([{ kind: 'session', id: 'a', until }])).toBe(true)
  expect(
    known.add([
      { kind: 'session', id: 'a', until: until + 1 },
      { kind: 'family', id: 'b', until },
    ]),
  ).toBe(true)
  expect(known.add([{ kind: 'key', id: 'k', until }])).toBe(false)
  expect(known.kills({ ...base, sid: 'a' }, undefined)).toBe('token_revoked')
  expect(known.kills(base, 'k')).toBe('token_revoked')
  expect(known.add([{ kind: 'family', id: 'c', until }])).toBe(false)
  expect(known.kills({ ...base, fam: 'c' }, undefined)).toBeUndefined()
})
