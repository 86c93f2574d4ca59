import { defaultKeyPolicy } from '@countersign/core'
import type { Store } from '@countersign/store'
import { expect, test } from 'vitest'
import { signUp } from './testing/calls.ts'
import { given, sampleClients, startTime } from './testing/given.ts'
import { mailingTests } from './testing/mailing.ts'

const mailing = mailingTests()

const stored = async (store: Store): Promise<unknown> => [
  (await store.loadIssuer()).keyRing,
  await store.listClients({ limit: 100 }),
  (await store.listDue('mail', 10)).rows,
  await store.readAudit(0, 1_000),
]

test('what is opened for a command beside the nodes, with an old configuration, declares no client, turns no key and sends none of their mails', async () => {
  const { to, post, sendMails } = await mailing.server()
  post.answersRecipients(451)
  await signUp(to)
  await sendMails()
  post.answersRecipients(250)
  const month = 30 * 86_400
  to.setClock(startTime + month * 1000)
  const before = await stored(to.store)
  const old = {
    openStore: async () => to.store,
    closesStore: false,
    clients: sampleClients.map(one => ({ ...one, name: 'As an old file has it' })),
    config: { issuer: 'https://old-name.example', keyPolicy: { ...defaultKeyPolicy, rotationSeconds: 60 } },
    time: to.now(),
  }
  const command = await mailing.server({ ...old, isForCommands: true })
  await command.sendMails()
  expect(await stored(to.store)).toEqual(before)
  expect(post.mails).toEqual([])
  // A node does all of it.
  const node = await mailing.server(old)
  await node.sendMails()
  expect(post.mails).toHaveLength(1)
  expect(await stored(to.store)).not.toEqual(before)
})

test('on a store that is new, a command makes the first keys: it may be what opens it first', async () => {
  const { services } = (await given.server({ isForCommands: true })).server
  expect(services.keys.ring().signing).not.toEqual([])
})
