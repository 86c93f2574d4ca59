import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/*
 * Hosts of different sites, by TLS, as browsers know them: an app, a sibling of its site, and a stranger. Their names lead to loopback in the
 * browser of the test alone.
 */

export const hosts = { app: 'app.shop.test', sibling: 'blog.shop.test', stranger: 'stranger.test' } as const

/** For Chromium: no name leads anywhere but to loopback. */
export const hostArguments: readonly string[] = [
  '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--ignore-certificate-errors',
]

export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
}

/** A certificate that nobody has vouched for. */
export function createCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-certificate-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const names = Object.values(hosts).map(host => `DNS:${host}`)
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const options = ['-subj', '/CN=shop.test', '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert]
    execFileSync('openssl', [...request, ...options], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export interface SecureSite {
  readonly port: number
  close(): Promise<void>
}

export async function listenSecurely(certificate: Certificate, answer: RequestListener): Promise<SecureSite> {
  const server = createServer(certificate, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
