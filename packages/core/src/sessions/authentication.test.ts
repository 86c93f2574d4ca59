import { describe, expect, test } from 'vitest'
import { sampleSignIn, sampleTime } from '../sample-rows.ts'
import {
  type AuthenticationDemand,
  acrOf,
  acrSuffices,
  authenticationOf,
  judgeAuthentication,
} from './authentication.ts'

const [one, two] = ['urn:countersign:acr:1fa', 'urn:countersign:acr:2fa'] as const

describe('acr', () => {
  test.each([
    [['pwd'], one],
    [['pwd', 'pin'], one],
    [['pwd', 'otp'], two],
    [['hwk'], one],
    [['hwk', 'fpt'], two],
    [['mfa'], two],
    [['ext'], undefined],
    [[], undefined],
    [['constructor', '__proto__'], undefined],
  ] as const)('of %j is %s', (amr, acr) => {
    expect(acrOf(amr)).toBe(acr)
  })

  test('GHSA-hp74-gm6m-2qm5: the stronger is good for the weaker, not the other way round, and unknown words are nothing', () => {
    expect(acrSuffices(two, [one])).toBe(true)
    expect(acrSuffices(one, [two])).toBe(false)
    expect(acrSuffices(one, ['x', one])).toBe(true)
    expect(acrSuffices(two, ['x', 'constructor'])).toBe(false)
    expect(acrSuffices(undefined, [one, two])).toBe(false)
  })
})

describe('whether a session is enough', () => {
  const { session } = sampleSignIn()
  const anything: AuthenticationDemand = { afresh: false, maxAgeSeconds: null, acrValues: [], acrIsEssential: false }
  const judge = (
    demand: Partial<AuthenticationDemand>,
    more: { seconds?: number; since?: number; amr?: readonly string[] } = {},
  ) => {
    const now = sampleTime + (more.seconds ?? 0) * 1000
    const amr = more.amr ?? session.amr
    const since = more.since === undefined ? undefined : sampleTime + more.since * 1000
    return judgeAuthentication({ ...anything, ...demand }, { now, session: { ...session, amr } }, since)
  }

  test('if nothing is asked, it is', () => {
    expect(judge({}, { seconds: 1e6 })).toBe('enough')
  })

  test('max_age counts from the sign-in, to the second', () => {
    expect(judge({ maxAgeSeconds: 60 }, { seconds: 60 })).toBe('enough')
    expect(judge({ maxAgeSeconds: 60 }, { seconds: 60.001 })).toBe('sign_in')
  })

  test('afresh is never enough, unless they signed in since the request came', () => {
    expect(judge({ afresh: true })).toBe('sign_in')
    expect(judge({ afresh: true }, { since: 0, seconds: 60 })).toBe('enough')
    expect(judge({ afresh: true }, { since: 0.001 })).toBe('sign_in')
    expect(judge({ maxAgeSeconds: 1 }, { since: 0, seconds: 60 })).toBe('enough')
  })

  test('an acr that a sign-in can give is asked for once; voluntary it may be missed, essential it may not', () => {
    expect(judge({ acrValues: [one] })).toBe('enough')
    expect(judge({ acrValues: [one] }, { amr: ['ext'] })).toBe('sign_in')
    expect(judge({ acrValues: [two, one] }, { amr: ['ext'], since: 0 })).toBe('enough')
    expect(judge({ acrValues: [one], acrIsEssential: true }, { amr: ['ext'], since: 0 })).toBe('unmet')
  })

  test('an acr that no sign-in here can give asks nobody in vain', () => {
    expect(judge({ acrValues: [two] })).toBe('enough')
    expect(judge({ acrValues: [two], acrIsEssential: true })).toBe('unmet')
    expect(judge({ acrValues: [two], acrIsEssential: true }, { amr: ['pwd', 'otp'] })).toBe('enough')
  })
})

test('a family tells of its own authorization for good, a login of one client of its session', () => {
  const { session, family } = sampleSignIn()
  expect(authenticationOf(session, family)).toEqual({ at: sampleTime, amr: ['pwd'] })
  const authentication = { at: sampleTime - 5, amr: ['pwd', 'otp'] }
  expect(authenticationOf(session, { ...family, authentication })).toEqual(authentication)
})
