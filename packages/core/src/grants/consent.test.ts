import { describe, expect, test } from 'vitest'
import { sampleClient, sampleDevice, sampleGrant, sampleTime, sampleUser } from '../sample-rows.ts'
import { allowGrant, grantCovers, judgeConsent } from './consent.ts'

const redirectUri = 'https://app.example/callback'
const client = sampleClient()
const grant = sampleGrant({ scopes: ['account', 'notes'] })
const audiences = grant.audiences
const nothing = { scopes: [], audiences: [] }

function judge(more: Partial<Parameters<typeof judgeConsent>[0]> = {}) {
  const asked = { scopes: ['account'], audiences }
  return judgeConsent({ client, redirectUri, grant, asked, prompted: false, ...more })
}

describe('the user is asked', () => {
  test('at the first time, for everything', () => {
    const asked = { scopes: ['account'], audiences }
    expect(judge({ grant: undefined })).toEqual({ asks: true, added: asked, known: nothing })
  })

  test('for nothing that they have allowed, nor for less', () => {
    expect(judge()).toEqual({ asks: false })
    expect(judge({ asked: grant })).toEqual({ asks: false })
    expect(judge({ asked: nothing })).toEqual({ asks: false })
  })

  test('for the difference if it is more: a scope, or an API', () => {
    expect(judge({ asked: { scopes: ['account', 'files'], audiences } })).toEqual({
      asks: true,
      added: { scopes: ['files'], audiences: [] },
      known: { scopes: ['account'], audiences },
    })
    expect(judge({ asked: { scopes: ['account'], audiences: [...audiences, 'https://b.example'] } })).toMatchObject({
      added: { scopes: [], audiences: ['https://b.example'] },
    })
  })

  test('again for everything once they have withdrawn it', () => {
    const withdrawn = { ...grant, withdrawnAt: sampleTime }
    expect(judge({ grant: withdrawn })).toMatchObject({ asks: true, added: { scopes: ['account'] } })
  })

  test('with prompt=consent, always; an application that need not ask, never', () => {
    expect(judge({ prompted: true })).toMatchObject({ asks: true, added: nothing, known: { scopes: ['account'] } })
    const implied = sampleClient({ consent: 'implied' })
    expect(judge({ client: implied, grant: undefined, prompted: true })).toEqual({ asks: false })
  })

  test('each time by a public client whose address any app could have claimed (RFC 8252 §8.6)', () => {
    for (const uri of ['http://127.0.0.1:5000/callback', 'com.example.app:/callback']) {
      expect(judge({ redirectUri: uri })).toMatchObject({ asks: true, added: nothing })
      expect(judge({ redirectUri: uri, client: sampleClient({ secretHashes: ['x'] }) })).toEqual({ asks: false })
      expect(judge({ redirectUri: uri, client: sampleClient({ consent: 'implied' }) })).toEqual({ asks: false })
    }
  })
})

describe('what was allowed', () => {
  const allow = (before: typeof grant | undefined, asked = { scopes: ['files'], audiences: ['https://b.example'] }) =>
    allowGrant({ now: sampleTime + 1, user: sampleUser(), client, grant: before, asked, device: sampleDevice })

  test('is a new row at the first time, audited, with that of the user: nothing is allowed beside what takes all back', () => {
    const { grant: made, writes, audit } = allow(undefined)
    expect(writes).toEqual([
      { table: 'grant', row: made },
      { table: 'user', row: sampleUser() },
    ])
    expect(made).toMatchObject({ scopes: ['files'], epoch: 1, version: 0, createdAt: sampleTime + 1 })
    expect(audit).toMatchObject({ event: 'grant.allowed', clientId: client.id, facts: { scope: 'files' } })
  })

  test('is added to what stands, under the same epoch: older logins live on', () => {
    expect(allow(grant).grant).toEqual({
      ...grant,
      scopes: ['account', 'notes', 'files'],
      audiences: [...audiences, 'https://b.example'],
      allowedAt: sampleTime + 1,
    })
  })

  test('takes the place of what was withdrawn, and brings nothing of it back', () => {
    const withdrawn = { ...grant, withdrawnAt: sampleTime, epoch: 2 }
    expect(allow(withdrawn).grant).toMatchObject({ scopes: ['files'], withdrawnAt: null, epoch: 2 })
  })

  test('covers what is asked, until it is withdrawn', () => {
    const asked = { scopes: ['account'], audiences }
    expect(grantCovers(grant, asked)).toBe(true)
    expect(grantCovers(grant, { ...asked, scopes: ['files'] })).toBe(false)
    expect(grantCovers({ ...grant, withdrawnAt: 1 }, asked)).toBe(false)
    expect(grantCovers(undefined, nothing)).toBe(false)
  })
})
