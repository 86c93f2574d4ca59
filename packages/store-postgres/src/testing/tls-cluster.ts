import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, serverUser, startCluster } from './cluster.ts'
import { runSql } from './schemas.ts'

/** A PostgreSQL server that speaks TLS. In its folder are `server.crt` and `server.key`, and those of `other`, which it does not show. */
export async function startTlsCluster(): Promise<Cluster> {
  const cluster = await startCluster()
  for (const name of ['server', 'other']) makeCertificate(cluster, name)
  const file = (ending: string) => join(cluster.folder, `server.${ending}`)
  for (const setting of [`ssl_cert_file = '${file('crt')}'`, `ssl_key_file = '${file('key')}'`, 'ssl = on']) {
    await runSql(cluster.url, `ALTER SYSTEM SET ${setting}`)
  }
  await cluster.stop('fast')
  await cluster.start()
  return cluster
}

/** Signed by itself, for this address. */
function makeCertificate({ folder }: Cluster, name: string): void {
  const path = join(folder, name)
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
