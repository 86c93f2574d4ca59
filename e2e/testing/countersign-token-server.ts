import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfiguration, serve } from '@countersign/cli'
import { declareClient, epochEntry } from '@countersign/core'
import { freePort } from '@countersign/store/testing/free-port'
import type { StartTokenServer } from './token-server.ts'

const credentials = { email: 'ada@example.com', password: 'a horse that is correct' }

/** The real server on a folder of its own. */
export const startCountersign: StartTokenServer = async ({ issuer, appOrigin }) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-e2e-'))
  const port = await freePort()
  const rows: number[] = []
  const app = declareClient({
    id: 'demo',
    firstParty: true,
    directLogin: true,
    redirectUris: [`${appOrigin}/`],
    scopes: ['account'],
    defaultScopes: ['account'],
    accessTokenBinding: 'bearer',
  })
  const { store, address, close } = await serve(
    readConfiguration({ environment: { COUNTERSIGN_SIGN_UP: 'open' }, flags: { port, data: folder, issuer } }),
    { moreClients: [app], onRefresh: ({ row }) => void rows.push(row), log: { info() {}, warn() {}, error() {} } },
  )
  await fetch(`${address}/v1/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  })
  return {
    upstream: address,
    clientId: app.id,
    credentials,
    apiPath: '/v1/me',
    /** What a restored backup does: the epoch `all` is raised, so that every access token is renewed and no login ends. */
    async expireAll() {
      const { issuer: row, now } = await store.loadIssuer()
      const epoch = row.epoch + 1
      await store.commit({
        writes: [{ table: 'issuer', row: { ...row, epoch } }],
        entries: [epochEntry('all', '', epoch, now, row)],
        audit: [],
        durable: true,
        time: now,
      })
    },
    counts: async () => ({
      rotations: rows.filter(row => row === 5).length,
      reuses: rows.filter(row => row === 10).length,
    }),
    async stop() {
      await close()
      rmSync(folder, { recursive: true })
    },
  }
}
