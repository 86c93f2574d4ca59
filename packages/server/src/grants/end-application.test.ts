import type { Store } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { asApi, authorization, call, introspect, redeem, refresh } from '../testing/calls.ts'
import { closeGiven, given, issuer, sampleClients } from '../testing/given.ts'
import { orchard, orchardCallback } from '../testing/orchard.ts'

afterEach(closeGiven)

const scopes = ['openid', 'account', 'notes', 'offline_access']

test.each(['public', 'pairwise'] as const)(
  'an application (sub: %s) that refreshes each time that a withdrawal is about to be committed does not keep it from being made',
  async subjectType => {
    let meanwhile: (() => Promise<unknown>) | undefined
    const wrapStore = (store: Store): Store => ({
      ...store,
      async commit(change) {
        if (change.audit.some(({ event }) => event === 'grant.withdrawn')) await meanwhile?.()
        return store.commit(change)
      },
    })
    const application = { ...orchard({ scopes, defaultScopes: scopes }), subjectType }
    const to = await given.server({ wrapStore, clients: [...sampleClients, application] })
    const page = browser(to)
    await page.signUp()
    const asked = { client_id: 'orchard', redirect_uri: orchardCallback, scope: scopes.join(' ') }
    const { path, verifier } = authorization(asked)
    const { parameters } = await page.follow(path)
    const key = to.key()
    const form = {
      code: String(parameters.get('code')),
      code_verifier: verifier,
      client_id: 'orchard',
      redirect_uri: orchardCallback,
    }
    let { body } = await redeem(to, form, { dpop: key.proof('POST', `${issuer}/token`) })
    let rotations = 0
    meanwhile = async () => {
      const answer = await refresh(to, String(body.refresh_token), { client: 'orchard', key })
      expect(answer.status).toBe(200)
      body = { ...body, ...answer.body }
      rotations++
      await to.later(600)
    }
    const user = (await to.store.loadUserByEmail('maria@example.com')).user?.id ?? ''
    const url = `/v1/trusted/users/${user}/grants/orchard`
    const answer = await call(to, { method: 'DELETE', url, headers: asApi })
    expect([answer.status, rotations]).toEqual([204, 2])
    expect((await introspect(to, String(body.access_token))).body).toEqual({ active: false })
    expect((await refresh(to, String(body.refresh_token), { client: 'orchard', key })).body.error).toBe('invalid_grant')
    expect(await to.store.listSessions(user)).toMatchObject([{ families: [] }])
  },
)
