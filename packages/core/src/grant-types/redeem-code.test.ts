import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  authenticated,
  sampleClient,
  sampleDevice,
  sampleGrant,
  sampleIssuer,
  sampleRandom,
  sampleTime,
  sampleUser,
} from '../sample-rows.ts'
import { authenticationOf } from '../sessions/authentication.ts'
import { isOneLogin } from '../sessions/end-sessions.ts'
import { openBrowserSession } from '../sessions/open-session.ts'
import type { Session } from '../sessions/session.ts'
import type { CodeSnapshot, FamilySnapshot } from '../snapshots.ts'
import type { AuthorizationCode } from './code.ts'
import { type CodeDecision, type CodeRedemption, redeemCode, verifierMatches } from './redeem-code.ts'
import { hashCode } from './short-lived-row.ts'

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const redirectUri = 'https://app.example/callback'
const client = sampleClient({ firstParty: true, consent: 'implied', redirectUris: [redirectUri] })
const user = sampleUser()
const issuer = sampleIssuer()
const random = sampleRandom('codes')

function givenCode(more: Partial<AuthorizationCode> = {}): CodeSnapshot {
  const { session } = openBrowserSession({
    snapshot: { now: sampleTime, issuer },
    user,
    device: sampleDevice,
    amr: ['pwd'],
    random,
  })
  const code: AuthorizationCode = {
    hash: hashCode('the code'),
    clientId: client.id,
    userId: user.id,
    sessionId: session.id,
    redirectUri,
    challenge,
    scope: 'account',
    audiences: client.audiences,
    authentication: { at: session.authenticatedAt, amr: session.amr },
    nonce: null,
    claims: null,
    jkt: null,
    expiresAt: sampleTime + 60_000,
    usedAt: null,
    familyId: null,
    failures: 0,
    epochs: { all: 1, user: 1, client: 1 },
    version: 1,
    ...more,
  }
  return {
    now: sampleTime + 1_000,
    issuer,
    code,
    session: { ...session, version: 1 },
    user,
    client,
    grant: undefined,
    given: undefined,
    siblings: [],
  }
}

function redeem(snapshot: CodeSnapshot, more: Partial<CodeRedemption> = {}): CodeDecision {
  return redeemCode({
    snapshot,
    client: authenticated(snapshot.client),
    redirectUri,
    verifier,
    jkt: undefined,
    device: sampleDevice,
    random,
    logins: [],
    ...more,
  })
}

/** The rows once the change is committed. */
function after(snapshot: CodeSnapshot, { change }: CodeDecision, seconds = 0): CodeSnapshot {
  const now = snapshot.now + seconds * 1000
  let { code, session, grant, given } = snapshot
  for (const write of change?.writes ?? []) {
    if (write.table === 'code') code = committed(write.row)
    else if (write.table === 'grant') grant = committed(write.row)
    else if (write.table === 'session' && write.row.id === session.id) session = committed(write.row)
    else if (write.table === 'session') given = { ...(given as FamilySnapshot), session: committed(write.row) }
    else if (write.table === 'family') {
      const { id, sessionId } = write.row
      if (given !== undefined && given.family?.id !== undefined && given.family.id !== id) continue
      const own = given?.session ?? (sessionId === session.id ? session : undefined)
      given = { ...snapshot, grant, session: own as Session, family: committed(write.row) }
    } else throw new Error(write.table)
  }
  return { ...snapshot, now, code, session, grant, given: given && { ...given, now } }
}

function committed<R extends { readonly version: number }>(row: R): R {
  return { ...row, version: row.version + 1 }
}

const reason = ({ outcome }: CodeDecision): string => (outcome.refused ? outcome.reason : 'redeemed')

describe('a code', () => {
  test('gives a family in its session, once, durably, with one audit row', () => {
    const snapshot = givenCode()
    const decision = redeem(snapshot, { jkt: 'thumbprint' })
    if (decision.outcome.refused) throw new Error(decision.outcome.reason)
    expect(decision.outcome.family).toMatchObject({
      sessionId: snapshot.session.id,
      userId: user.id,
      clientId: client.id,
      scope: 'account',
      generation: 0,
      jkt: 'thumbprint',
      epochs: { all: 1, user: 1, client: 1 },
    })
    expect(decision.change?.durable).toBe(true)
    expect(decision.change?.audit).toMatchObject([{ event: 'family.created', familyId: decision.outcome.family.id }])
    expect(decision.change?.writes).toMatchObject([
      { table: 'code', row: { usedAt: snapshot.now, familyId: decision.outcome.family.id, version: 1 } },
      { table: 'family', row: { version: 0 } },
      { table: 'session', row: snapshot.session },
    ])
  })

  test('CVE-2026-47386, GHSA-7w99-5wm4-3g79: of fifty redeemers each writes the same version of the code, so one commits', () => {
    const snapshot = givenCode()
    const decisions = Array.from({ length: 50 }, () => redeem(snapshot))
    for (const { change } of decisions) {
      expect(change?.writes[0]).toMatchObject({ table: 'code', row: { version: snapshot.code.version } })
    }
    const second = redeem(after(snapshot, decisions[0] as CodeDecision))
    expect(reason(second)).toBe('code_invalid')
  })

  test('is stored as a hash', () => {
    expect(hashCode('the code')).toBe(createHash('sha256').update('the code').digest('base64url'))
  })
})

describe('a code is refused, and nothing is written', () => {
  test.each<[string, Partial<CodeRedemption>]>([
    [
      'CVE-2026-28513, CVE-2026-55672, CVE-2026-16089: with only the client wrong',
      { client: authenticated(sampleClient({ id: 'other' })) },
    ],
    ['with only the redirect URI wrong', { redirectUri: 'https://app.example/callback/' }],
    ['with the redirect URI left out', { redirectUri: '' }],
  ])('%s', (_what, more) => {
    expect(redeem(givenCode(), more)).toEqual({ outcome: { refused: true, reason: 'code_invalid' } })
  })

  test.each<[string, (rows: CodeSnapshot) => CodeSnapshot]>([
    ['CVE-2026-28513: with only the expiry past', rows => ({ ...rows, now: rows.code.expiresAt })],
    ['the client disabled since', rows => ({ ...rows, client: { ...rows.client, disabled: true } })],
    ['the password changed since', rows => ({ ...rows, user: { ...rows.user, epoch: 2 } })],
    [
      'everything of the user ended since but its session',
      rows => ({
        ...rows,
        user: { ...rows.user, epoch: 2 },
        session: { ...rows.session, epochs: { ...rows.session.epochs, user: 2 } },
      }),
    ],
    ['the client revoked since', rows => ({ ...rows, client: { ...rows.client, epoch: 2 } })],
    ['the user disabled since', rows => ({ ...rows, user: { ...rows.user, disabledAt: rows.now } })],
    ['the session ended since', rows => ({ ...rows, session: { ...rows.session, endedAt: rows.now } })],
    ['the session at its end', rows => ({ ...rows, session: { ...rows.session, absoluteEndAt: rows.now } })],
  ])('%s', (_what, change) => {
    expect(redeem(change(givenCode()))).toEqual({ outcome: { refused: true, reason: 'code_invalid' } })
  })

  test('up to its last millisecond it is not', () => {
    const rows = givenCode()
    expect(reason(redeem({ ...rows, now: rows.code.expiresAt - 1 }))).toBe('redeemed')
  })

  test('raising the epoch of everything does not concern it', () => {
    const rows = givenCode()
    expect(reason(redeem({ ...rows, issuer: { ...issuer, epoch: 2_000_000_000 } }))).toBe('redeemed')
  })
})

describe('PKCE', () => {
  test('the published example matches (RFC 7636 §4.6 and appendix B)', () => {
    expect(verifierMatches(verifier, challenge)).toBe(true)
  })

  test.each([
    ['CVE-2024-23647: no verifier', ''],
    ['CVE-2024-22258: the challenge itself, as if the method were plain', challenge],
    ['another verifier', `${verifier.slice(0, -1)}l`],
    ['a shorter one', verifier.slice(0, -1)],
    ['CVE-2023-48228: a very short one', 'x'],
    ['a longer one', `${verifier}k`],
    ['a very long one', 'x'.repeat(100_000)],
    ['padding', `${verifier}=`],
    ['a NUL', `${verifier}\0`],
    ['a line break', `${verifier}\n`],
    ['characters that a verifier cannot have', 'ü'.repeat(43)],
    ['a lone surrogate', `${verifier.slice(1)}\ud800`],
  ])('%s is refused without throwing, and counted', (_what, wrong) => {
    const decision = redeem(givenCode(), { verifier: wrong })
    expect(reason(decision)).toBe('code_invalid')
    expect(decision.change?.writes).toMatchObject([{ table: 'code', row: { failures: 1, usedAt: null } }])
    expect(decision.change?.writes).toHaveLength(1)
  })

  test.each(['', 'x', 'plain', verifier, challenge.slice(1), `${challenge}A`])(
    'CVE-2023-48228: a stored challenge that is not one matches nothing: %j',
    stored => {
      expect(verifierMatches(verifier, stored)).toBe(false)
      expect(verifierMatches('', stored)).toBe(false)
    },
  )

  test('CVE-2026-41213: 1,000 wrong verifiers burn the code at the fifth, and then nothing is written', () => {
    let rows = givenCode()
    let written = 0
    for (let n = 0; n < 1000; n++) {
      const decision = redeem(rows, { verifier: verifier.replace(/^.{4}/, String(1000 + n)) })
      expect(reason(decision)).toBe('code_invalid')
      if (decision.change !== undefined) written++
      rows = after(rows, decision)
    }
    expect(written).toBe(5)
    expect(reason(redeem(rows))).toBe('code_invalid')
  })

  test('four wrong verifiers do not', () => {
    let rows = givenCode()
    for (let n = 0; n < 4; n++) rows = after(rows, redeem(rows, { verifier: 'x' }))
    expect(reason(redeem(rows))).toBe('redeemed')
  })

  test('whoever has the code alone cannot burn it for another client', () => {
    let rows = givenCode()
    for (let n = 0; n < 20; n++) {
      rows = after(rows, redeem(rows, { client: authenticated(sampleClient({ id: 'other' })), verifier: 'x' }))
    }
    expect(reason(redeem(rows))).toBe('redeemed')
  })
})

describe('a code that was used before', () => {
  const used = (seconds: number): CodeSnapshot => {
    const rows = givenCode()
    return after(rows, redeem(rows), seconds)
  }

  test('within ten seconds is refused and ends nothing: browsers repeat requests', () => {
    for (const seconds of [0, 5, 9.999]) {
      expect(redeem(used(seconds))).toEqual({ outcome: { refused: true, reason: 'code_invalid' } })
    }
  })

  test('later ends what it gave, durably, with one audit row, and the feed is told (RFC 6749 §4.1.2)', () => {
    for (const seconds of [10, 3_600]) {
      const rows = used(seconds)
      const decision = redeem(rows)
      expect([reason(decision), decision.change?.durable]).toEqual(['code_reused', true])
      expect(decision.change?.entries).toMatchObject([{ kind: 'family', id: rows.given?.family.id }])
      expect(decision.change?.audit).toMatchObject([{ event: 'code.reused', familyId: rows.given?.family.id }])
      const ended = after(rows, decision)
      expect(ended.given?.family).toMatchObject({ endedAt: rows.now, endReason: 'code_reused' })
      expect(ended.session.endedAt).toBeNull()
      expect(redeem(ended)).toEqual({ outcome: { refused: true, reason: 'code_reused' } })
    }
  })

  test('by somebody without client, redirect URI or verifier ends nothing', () => {
    const rows = used(3_600)
    const wrong: Partial<CodeRedemption>[] = [
      { client: authenticated(sampleClient({ id: 'other' })) },
      { redirectUri: 'https://evil.example/' },
      { verifier: challenge },
    ]
    for (const more of wrong) {
      const decision = redeem(rows, more)
      expect(reason(decision)).toBe('code_invalid')
      expect(after(rows, decision).given?.family.endedAt).toBeNull()
    }
  })

  test('and whose family is gone from the store is refused all the same', () => {
    expect(redeem({ ...used(3_600), given: undefined })).toEqual({ outcome: { refused: true, reason: 'code_reused' } })
  })
})

describe('PKCE cannot be taken out of a request (RFC 9700 §4.8.2, attack 21)', () => {
  test('a challenge was sent: without a verifier nothing is given, nor is anything written', () => {
    const decision = redeem(givenCode(), { verifier: undefined })
    expect(reason(decision)).toBe('parameter_missing')
    expect(decision.change).toBeUndefined()
  })

  test('none was sent: a verifier is refused, and without one the code is good', () => {
    const rows = givenCode({ challenge: null })
    expect(redeem(rows)).toEqual({ outcome: { refused: true, reason: 'code_invalid' } })
    expect(reason(redeem(rows, { verifier: undefined }))).toBe('redeemed')
  })
})

describe('what a family tells of the sign-in', () => {
  test('is what the request found: whoever signs in again in between, and after, changes nothing (RFC 9068 §2.2.1)', () => {
    const rows = givenCode()
    const session = { ...rows.session, authenticatedAt: rows.now, amr: ['pwd', 'otp'] }
    const { outcome } = redeem({ ...rows, session })
    if (outcome.refused) throw new Error(outcome.reason)
    expect(authenticationOf(session, outcome.family)).toEqual({ at: sampleTime, amr: ['pwd'] })
  })
})

describe('offline access (OpenID Connect Core §11)', () => {
  const online = sampleClient({ ...client, scopes: ['account', 'offline_access'] })
  const offline = (more: Partial<CodeSnapshot> = {}): CodeSnapshot => ({
    ...givenCode({ scope: 'account offline_access' }),
    client: online,
    ...more,
  })

  test('opens a session of the client, known by the device of the browser, as old as the sign-in, and without its end', () => {
    const rows = offline()
    const { outcome, change } = redeem(rows, { device: { label: 'node', ip: '198.51.100.1' } })
    if (outcome.refused) throw new Error(outcome.reason)
    const { session, family } = outcome
    expect(session).toMatchObject({ clientId: client.id, cookieSalt: null, device: sampleDevice, amr: ['pwd'] })
    expect([session.authenticatedAt, session.createdAt]).toEqual([sampleTime, rows.now])
    expect(session.absoluteEndAt).toBe(rows.now + online.lifetimes.absoluteSeconds * 1000)
    expect([family.sessionId, isOneLogin(session, family)]).toEqual([session.id, true])
    expect(change?.audit).toMatchObject([{ event: 'session.created', facts: { offline: true }, familyId: family.id }])
  })

  test('a client without refresh tokens gets a login that ends with the browser', () => {
    const without = sampleClient({ ...online, grantTypes: ['authorization_code'] })
    const rows = offline({ client: without })
    const { outcome } = redeem(rows)
    expect(outcome.refused ? '' : outcome.session.id).toBe(rows.session.id)
  })

  test('a code that is used twice ends it, though the browser has signed out meanwhile', () => {
    const rows = offline()
    const used = after(rows, redeem(rows), 60)
    const signedOut = { ...used, session: { ...used.session, endedAt: used.now } }
    const decision = redeem(signedOut)
    expect(reason(decision)).toBe('code_reused')
    expect(decision.change?.writes.map(({ table }) => table)).toEqual(['family', 'session'])
    expect(decision.change?.entries.map(({ kind }) => kind)).toEqual(['family', 'session'])
  })

  test('twenty of one client at most: the oldest ends, with its session', () => {
    const logins = Array.from({ length: 21 }, (_, index) => {
      const { outcome } = redeem(offline({ now: sampleTime + 1_000 + index }))
      if (outcome.refused) throw new Error(outcome.reason)
      return { session: outcome.session, families: [outcome.family] }
    })
    const others = { session: { ...logins[0], clientId: 'other' } as unknown as Session, families: [] }
    const { change } = redeem(offline(), { logins: [...logins, others].reverse() })
    const ended = change?.audit.filter(({ event }) => event === 'session.ended').map(({ sessionId }) => sessionId)
    expect(ended).toEqual(logins.slice(0, 2).map(({ session }) => session.id))
  })
})

describe('five families of one client in one browser session: for one more', () => {
  /** Families of the session, a minute after each other; the one that was refreshed says when, in minutes. */
  function families(...refreshedAt: (number | undefined)[]) {
    return refreshedAt.map((minutes, index) => {
      const { outcome } = redeem(givenCode({}))
      if (outcome.refused) throw new Error(outcome.reason)
      const createdAt = sampleTime + index * 60_000
      const used = minutes === undefined ? {} : { generation: 1 + index, rotatedAt: sampleTime + minutes * 60_000 }
      return { ...outcome.family, createdAt, rotatedAt: createdAt, ...used }
    })
  }

  test.each([
    [
      'what was never refreshed ends, and not the older login that is in use',
      [90, undefined, undefined, undefined, undefined],
      1,
    ],
    ['also where the one in use was used before those were made', [0.5, 1, undefined, undefined, undefined], 2],
    ['what was used longest ago ends where all were', [90, 80, 70, 81, 82], 2],
    ['the oldest ends where none was', [undefined, undefined, undefined, undefined, undefined], 0],
  ])('%s', (_what, refreshedAt, ended) => {
    const siblings = families(...refreshedAt)
    const { change } = redeem({
      ...givenCode(),
      now: sampleTime + 100 * 60_000,
      code: { ...givenCode().code, expiresAt: sampleTime + 101 * 60_000 },
      siblings: siblings.toReversed(),
    })
    expect(change?.entries).toMatchObject([{ kind: 'family', id: siblings[ended]?.id }])
    expect(redeem({ ...givenCode(), siblings: siblings.slice(1) }).change?.entries).toEqual([])
  })
})

describe('one live authorization per user', () => {
  const single = sampleClient({ ...client, oneAuthorizationPerUser: true })
  const grant = sampleGrant({ epoch: 3 })
  const rows: CodeSnapshot = {
    ...givenCode({ epochs: { all: 1, user: 1, client: 1, grant: 3 } }),
    client: single,
    grant,
  }

  test('a new one raises the epoch of the grant in the same commit, and is made under it', () => {
    const { outcome, change } = redeem(rows)
    if (outcome.refused) throw new Error(outcome.reason)
    expect([outcome.family.epochs.grant, outcome.grant?.epoch]).toEqual([4, 4])
    expect(change?.writes).toContainEqual({ table: 'grant', row: { ...grant, epoch: 4 } })
    expect(change?.entries).toMatchObject([{ kind: 'grant', id: `${user.id} ${client.id}`, below: 4 }])
    expect(change?.audit.map(({ event }) => event)).toEqual(['family.created', 'grant.renewed'])
  })

  test('an older code, a withdrawn grant, no grant at all: nothing is given', () => {
    const late = { ...rows, grant: { ...grant, epoch: 4 } }
    const withdrawn = { ...rows, grant: { ...grant, withdrawnAt: rows.now } }
    for (const one of [late, withdrawn, { ...rows, grant: undefined }]) expect(reason(redeem(one))).toBe('code_invalid')
  })
})
