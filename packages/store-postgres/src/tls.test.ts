import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, serverUser, startCluster } from './testing/cluster.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
  for (const name of ['server', 'other']) makeCertificate(name)
  const file = (ending: string) => join(cluster.folder, `server.${ending}`)
  for (const setting of [`ssl_cert_file = '${file('crt')}'`, `ssl_key_file = '${file('key')}'`, 'ssl = on']) {
    await runSql(cluster.url, `ALTER SYSTEM SET ${setting}`)
  }
  await cluster.stop('fast')
  await cluster.start()
})
afterAll(() => cluster.discard())

/** Signed by itself, for this address. */
function makeCertificate(name: string): void {
  const path = join(cluster.folder, name)
  const parameters = ['-subj', '/CN=database', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes']
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', `${path}.key`, '-out', `${path}.crt`, ...parameters],
    {
      stdio: 'ignore',
    },
  )
  chmodSync(`${path}.key`, 0o600)
  const user = serverUser()
  if (user !== undefined) chownSync(`${path}.key`, user.uid, user.gid)
}

test('with sslmode=verify-full the connection is encrypted, and a server that cannot show who it is is refused', async () => {
  const verified = (name: string) => `${cluster.url}?sslmode=verify-full&sslrootcert=${cluster.folder}/${name}.crt`
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
})
