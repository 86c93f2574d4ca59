import * as given from '@countersign/store/given'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster } from './testing/cluster.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'
import { startTlsCluster } from './testing/tls-cluster.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startTlsCluster()
})
afterAll(() => cluster.discard())

test.each(['verify-full', 'require'])(
  'with sslmode=%s the connection is encrypted, and a server that cannot show who it is is refused',
  async mode => {
    const verified = (name: string) => `${cluster.url}?sslmode=${mode}&sslrootcert=${cluster.folder}/${name}.crt`
    await withNodes(cluster.url, async ({ open }) => {
      await given.login(await open({ url: verified('server') }))
      const encrypted = await runSql(
        cluster.url,
        `SELECT count(*)::integer FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'countersign'`,
      )
      expect(encrypted[0]?.[0]).toBeGreaterThan(0)
      await expect(open({ url: verified('other') })).rejects.toMatchObject({
        name: 'StoreUnavailable',
        message: expect.stringMatching(/the database cannot be reached \(\w*CERT\w*\)/),
      })
    })
  },
)

test('a file of the URL that cannot be read is named with its parameter', async () => {
  await withNodes(cluster.url, async ({ open }) => {
    await expect(open({ url: `${cluster.url}?sslmode=verify-full&sslrootcert=/none.pem` })).rejects.toMatchObject({
      message: "sslrootcert in the database's URL names a file that cannot be read (ENOENT): /none.pem",
    })
  })
})

test('a server without TLS, where the URL wants it, is told of as that', async () => {
  await runSql(cluster.url, 'ALTER SYSTEM SET ssl = off')
  await runSql(cluster.url, 'SELECT pg_reload_conf()')
  await withNodes(cluster.url, async ({ open }) => {
    await expect(open({ url: `${cluster.url}?sslmode=no-verify` })).rejects.toMatchObject({
      message: 'the database does not speak TLS, and its URL wants it',
    })
  })
})
