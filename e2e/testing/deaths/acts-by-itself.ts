import { activeSigningKey, journalRecord, tellsOfCut } from '@countersign/core'
import { brokenAuditRow, headOf } from '@countersign/store'
import * as rows from '@countersign/store/given'
import { expect } from 'vitest'
import { replayJournal } from '../../../packages/server/src/restore/replay-journal.ts'
import { browser } from '../../../packages/server/src/testing/browser.ts'
import { bearer, call, introspect, logIn, refresh } from '../../../packages/server/src/testing/calls.ts'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import { claimsOf } from '../../../packages/server/src/testing/openid-clients.ts'
import { act, type DeadlyAct } from './dying.ts'
import { isDone } from './operate.ts'
import { person } from './people.ts'

/** Every node goes on under the keys as they are now, and what was given under the ones before is good or not. */
async function expectKeys(beside: GivenServer, { accessToken, refreshToken, email }: Login, isStill: boolean) {
  await beside.server.services.keys.read()
  expect((await introspect(beside, accessToken)).body.active).toBe(isStill)
  expect((await refresh(beside, refreshToken)).status).toBe(200)
  expect((await introspect(beside, (await logIn(beside, { email })).accessToken)).body.active).toBe(true)
}

type Login = { accessToken: string; refreshToken: string; email: string }

async function loggedIn(beside: GivenServer): Promise<Login> {
  const { email } = await person(beside)
  return { ...(await logIn(beside, { email })), email }
}

const activeKid = async (beside: GivenServer): Promise<string> =>
  activeSigningKey((await beside.store.loadIssuer()).keyRing)?.kid ?? ''

const replaying = ({ server }: GivenServer) => ({
  store: server.services.store,
  openPassword: () => null,
  retireKey: async () => undefined,
})

/** What happens beside all requests. */
export const actsByItself: readonly DeadlyAct[] = [
  act({
    name: 'a mail that is sent: the attempt, then its end',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      const { email } = await person(beside)
      await browser(beside).submit('/forgot-password', { email })
      return { email }
    },
    async act(dying, _prepared, nodes) {
      await nodes.looking(async () => dying.server.mails?.look())
      return !nodes.isDead()
    },
    async judge(beside, { email }, _left, { around, looking }) {
      // Whoever died over it may have sent it, or not: another node sends it again once nobody can be at it any more.
      await beside.later(600)
      await looking(async () => beside.server.mails?.look())
      const mails = around.post.mails.filter(({ to }) => to.includes(email))
      expect([1, 2]).toContain(mails.length)
      expect(new Set(mails.map(({ headers }) => headers['message-id'])).size).toBe(1)
      const { rows: due } = await looking(() => beside.server.services.store.listDue('mail', 10))
      expect(due).toEqual([])
    },
  }),
  act({
    name: 'a client that is told of an end: the place in the log with the delivery, the attempt, and its end',
    async prepare(beside) {
      const { email } = await person(beside)
      const { accessToken, sessionId } = await logIn(beside, { email, client: 'told' })
      await call(beside, { method: 'DELETE', url: '/v1/sessions', headers: bearer(accessToken) })
      return { sessionId }
    },
    async act(dying, _prepared, nodes) {
      await nodes.looking(() => dying.server.logouts.look())
      return !nodes.isDead()
    },
    async judge(beside, { sessionId }, _left, { around, looking }) {
      await beside.later(600)
      await looking(() => beside.server.logouts.look())
      const told = around.receiver.tokens.map(token => claimsOf(token).sid)
      expect([1, 2]).toContain(told.filter(sid => sid === sessionId).length)
    },
  }),
  act({
    name: 'what a backup has forgotten, taken back again record by record',
    async prepare(beside) {
      const { id, email } = await person(beside)
      for (const _ of [1, 2]) await logIn(beside, { email })
      const sessions = await beside.store.listSessions(id)
      const records = sessions.map(({ session }) => {
        const row = { ...session, endedAt: beside.now(), endReason: 'signed_out' as const }
        const audit = [{ event: 'session.ended' as const, time: beside.now(), userId: id, sessionId: session.id }]
        return journalRecord(rows.change([{ table: 'session', row }], { audit }), () => '')
      })
      return { id, records: records.filter(record => record !== undefined) }
    },
    act: (dying, { records }) => isDone(replayJournal(records, replaying(dying))),
    async judge(beside, { id, records }, { commits }) {
      // Begun anew, it does what is left, and nothing twice.
      expect((await replayJournal(records, replaying(beside))).records).toBe(2 - commits)
      expect(await beside.store.listSessions(id)).toEqual([])
    },
  }),
  act({
    name: 'a turn of the keys, on time',
    async prepare(beside) {
      // The next key is published, and then it is time for it.
      beside.setClock(beside.now() + 30 * 86_400_000)
      await beside.server.services.keys.read()
      return { kid: await activeKid(beside) }
    },
    act: dying => isDone(dying.server.services.keys.turn()),
    async judge(beside, { kid }) {
      await beside.later(400)
      expect(await activeKid(beside)).not.toBe(kid)
      const login = await loggedIn(beside)
      await expectKeys(beside, login, true)
    },
  }),
  act({
    name: 'a turn of the keys by an operator',
    async prepare(beside) {
      await beside.later(400)
      return { ...(await loggedIn(beside)), kid: await activeKid(beside) }
    },
    act: dying => isDone(dying.server.admin.rotateKeys()),
    async judge(beside, { kid, ...login }) {
      expect(await activeKid(beside)).not.toBe(kid)
      await expectKeys(beside, login, true)
    },
  }),
  act({
    name: 'a key that is retired by an operator',
    async prepare(beside) {
      await beside.later(400)
      return { ...(await loggedIn(beside)), kid: await activeKid(beside) }
    },
    act: (dying, { kid }) => isDone(dying.server.admin.retireKey(kid)),
    async judge(beside, { kid, ...login }) {
      expect(await activeKid(beside)).not.toBe(kid)
      await expectKeys(beside, login, false)
    },
  }),
  act({
    name: 'a cut of the audit log',
    async prepare(beside) {
      const before = beside.now()
      await loggedIn(beside)
      beside.setClock(before + 8 * 86_400_000)
      await beside.server.services.keys.read()
      return { before }
    },
    act: (dying, { before }) => isDone(dying.server.admin.pruneAudit({ before: before + 1 })),
    async judge({ store, server }) {
      // Whoever sweeps next deletes what was removed.
      while ((await server.admin.deletePrunedAudit()).deleted > 0);
      const anchor = await server.admin.auditAnchor()
      const left = await store.readAudit(anchor?.number ?? 0, 10_000)
      expect(brokenAuditRow(left, headOf(anchor))).toBeUndefined()
      expect(left.filter(({ record }) => tellsOfCut(record, headOf(anchor)))).toHaveLength(1)
      await expect(store.readAudit(0, 1)).rejects.toMatchObject({ name: 'AuditPruned', anchor })
    },
  }),
]
