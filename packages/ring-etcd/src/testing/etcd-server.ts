import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { type ServerProcess, serverProcess } from '@countersign/store/testing/server-process'
import { findEtcd } from './find-etcd.ts'

/** An etcd server of the test's own: in a temporary folder, on free ports of loopback. */
export interface EtcdProcess extends ServerProcess {
  readonly port: number
  /** Kills it and deletes everything. */
  readonly discard: () => Promise<void>
}

export async function startEtcd(): Promise<EtcdProcess> {
  const program = findEtcd()
  if (program === undefined) throw new Error('etcd is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'countersign-etcd-'))
  const [port, peerPort] = [await freePort(), await freePort()]
  const [here, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
  const parameters = [
    ...['--data-dir', join(folder, 'data'), '--listen-client-urls', here, '--advertise-client-urls', here],
    // Alone it need not wait for others before it is the leader.
    ...['--heartbeat-interval', '10', '--election-timeout', '100'],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
  ]
  const server = serverProcess({ program, parameters, folder, serves: () => isHealthy(here) })
  await server.start()
  return {
    ...server,
    port,
    async discard() {
      await server.kill()
      rmSync(folder, { recursive: true })
    },
  }
}

async function isHealthy(here: string): Promise<boolean> {
  const answer = await fetch(`${here}/health`, { signal: AbortSignal.timeout(500) }).catch(() => undefined)
  return ((await answer?.json().catch(() => undefined)) as { health?: string } | undefined)?.health === 'true'
}
