import { type Connection, passportConnection } from '@countersign/connections'
import { Strategy as FacebookStrategy } from 'passport-facebook'
import { Strategy as Oauth1Strategy } from 'passport-oauth1'
import { Strategy as OpenidStrategy, type VerifyCallback } from 'passport-openidconnect'
import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../packages/server/src/testing/browser.ts'
import { beginWith, connectedServer, pathOf, signInWith } from '../packages/server/src/testing/connected.ts'
import { closeGiven } from '../packages/server/src/testing/given.ts'
import { type OpenidUpstream, startOpenid } from '../packages/server/src/testing/upstreams/openid.ts'
import { type SocialUpstream, startFacebook } from '../packages/server/src/testing/upstreams/social.ts'
import { client, closeUpstreams } from '../packages/server/src/testing/upstreams/upstream.ts'
import { consumer, startOauth1Provider } from './testing/oauth1-provider.ts'

afterEach(async () => {
  await closeGiven()
  await closeUpstreams()
})

// region strategy
function openidByPassport(issuer: string): Connection {
  return passportConnection({
    name: 'partner',
    title: 'Partner',
    strategy: callbackUrl =>
      new OpenidStrategy(
        {
          issuer,
          authorizationURL: `${issuer}/authorize`,
          tokenURL: `${issuer}/token`,
          userInfoURL: `${issuer}/userinfo`,
          clientID: client.id,
          clientSecret: client.secret,
          callbackURL: callbackUrl,
          scope: 'profile email',
          skipUserProfile: false,
        },
        (_issuer: string, profile: object, done: VerifyCallback) => done(null, { profile }),
      ),
  })
}
// endregion

function facebookByPassport({ settings }: SocialUpstream): Connection {
  return passportConnection({
    name: 'facebook',
    title: 'Facebook',
    keepsTokens: true,
    strategy: callbackUrl =>
      new FacebookStrategy(
        {
          clientID: client.id,
          clientSecret: client.secret,
          callbackURL: callbackUrl,
          authorizationURL: settings.endpoints?.authorization,
          tokenURL: settings.endpoints?.token,
          profileURL: settings.endpoints?.userinfo?.split('?')[0],
          profileFields: ['id', 'displayName', 'name', 'emails'],
          enableProof: true,
        },
        (accessToken: string, _refreshToken: string, profile: object, done: VerifyCallback) =>
          done(null, { profile, accessToken }),
      ),
  })
}

/** As passport-twitter was made. */
function oauth1ByPassport(origin: string): Connection {
  return passportConnection({
    name: 'bird',
    title: 'Bird',
    isOauth1: true,
    strategy: callbackUrl =>
      new Oauth1Strategy(
        {
          requestTokenURL: `${origin}/request_token`,
          accessTokenURL: `${origin}/access_token`,
          userAuthorizationURL: `${origin}/authenticate`,
          consumerKey: consumer.key,
          consumerSecret: consumer.secret,
          callbackURL: callbackUrl,
        },
        (_token, _secret, told, _profile, done) =>
          done(null, { profile: { id: told.user_id, username: told.screen_name } }),
      ),
  })
}

describe('a Passport strategy of OAuth 1.0, whose requests are signed', () => {
  test('passport-oauth1: there, back once, and who it is; in another browser it signs nobody in', async () => {
    const provider = await startOauth1Provider()
    try {
      const to = await connectedServer([oauth1ByPassport(provider.origin)])
      const page = browser(to)
      const back = pathOf(provider.visit(await beginWith(page, 'bird')))
      expect((await browser(to).get(back)).headers.location).toContain('problem=connection_state_invalid')
      expect((await page.get(back)).headers.location).toBe('/account')
      const { user } = await to.store.loadUserByIdentity('bird', '77')
      expect(user?.profile.preferredUsername).toBe('maria')
      expect((await page.get(back)).headers.location).toContain('problem=connection_state_invalid')
      const planted = new URL(provider.visit(await beginWith(page, 'bird')))
      planted.searchParams.set('oauth_verifier', 'another')
      expect((await page.get(pathOf(planted.href))).headers.location).toContain('problem=connection_answer_invalid')
    } finally {
      await provider.close()
    }
  })
})

describe('a Passport strategy is a way to sign in', () => {
  test('passport-facebook: there, back, and who it is; the token is kept sealed', async () => {
    const upstream = await startFacebook()
    const to = await connectedServer([facebookByPassport(upstream)])
    expect((await signInWith(to, upstream, 'facebook')).headers.location).toBe('/account')
    const { user, identity } = await to.store.loadUserByIdentity('facebook', '10223456')
    expect(user).toMatchObject({ name: 'Maria Lopez', email: null, profile: { givenName: 'Maria' } })
    expect(identity?.told?.email).toBe('maria@example.com')
    expect(JSON.stringify(identity)).not.toContain(upstream.given[0])
    expect(identity?.sealedTokens).not.toBeNull()
  })

  test('passport-openidconnect: with the state and the nonce that it keeps in its session, and ours besides', async () => {
    const upstream = await startOpenid()
    const to = await connectedServer([openidByPassport(upstream.origin)])
    const page = browser(to)
    const there = await beginWith(page, 'partner')
    const back = pathOf(await upstream.visit(there))
    expect((await page.get(back)).headers.location).toBe('/account')
    expect((await to.store.loadUserByIdentity('partner', 'm-1')).user?.name).toBe('Maria Lopez')
    expect((await page.get(back)).headers.location).toContain('problem=connection_state_invalid')
  })

  test('attack 35: an answer in another browser signs nobody in', async () => {
    const upstream = await startOpenid()
    const to = await connectedServer([openidByPassport(upstream.origin)])
    const back = pathOf(await upstream.visit(await beginWith(browser(to), 'partner')))
    const victim = browser(to)
    expect((await victim.get(back)).headers.location).toContain('problem=connection_state_invalid')
    expect(victim.jar.has('__Host-countersign')).toBe(false)
  })

  test.each(['other_issuer', 'other_audience', 'declines'] as const)('%s: signs nobody in', async fault => {
    const upstream: OpenidUpstream = await startOpenid()
    const to = await connectedServer([openidByPassport(upstream.origin)])
    upstream.fault = fault
    const { headers } = await signInWith(to, upstream, 'partner')
    expect(headers.location).toMatch(/problem=connection_(answer_invalid|denied)$/)
    expect((await to.store.loadUserByIdentity('partner', 'm-1')).identity).toBeUndefined()
  })

  test('a provider that is broken is told, and the next try goes on', async () => {
    const upstream = await startOpenid()
    const to = await connectedServer([openidByPassport(upstream.origin)])
    const page = browser(to)
    const back = pathOf(await upstream.visit(await beginWith(page, 'partner')))
    upstream.fault = 'broken'
    expect((await page.get(back)).headers.location).toMatch(/problem=connection_(unavailable|answer_invalid)$/)
    upstream.fault = undefined
    expect((await signInWith(to, upstream, 'partner', { page })).headers.location).toBe('/account')
  })
})
