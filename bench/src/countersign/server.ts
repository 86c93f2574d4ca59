import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@countersign/store/testing/free-port'
import { type RunningServer, startServer } from '../harness/processes.ts'
import { api } from '../peers/oidc-provider/configuration.ts'

/** Our own server, as `countersign serve` starts it, with a client of the benchmark's and a back end that may do all. */
export interface Countersign {
  readonly issuer: string
  /** Where it answers itself; for a node among several this is not the issuer. */
  readonly address: string
  readonly clientId: string
  readonly backEnd: { readonly id: string; readonly secret: string }
  readonly database: string
  readonly masterKeyFile: string
  readonly start: () => Promise<RunningServer<unknown>>
}

/** The command as it is published, bundled anew for this run: what others build meanwhile does not get in its way. */
export function bundleCommand(folder: string): string {
  const script = fileURLToPath(new URL('../../../tools/bundle-command.ts', import.meta.url))
  const outdir = join(folder, 'command')
  const { status } = spawnSync(process.execPath, [script, outdir], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the command could not be bundled')
  return join(outdir, 'countersign.js')
}

export interface CountersignOptions {
  /** The bundled command. */
  readonly command: string
  readonly folder: string
  /** H and grace 0: every call rotates. Otherwise the defaults of production. */
  readonly rotatesAlways: boolean
  /** Besides the two that are always there, as `countersign.json` has them. */
  readonly clients?: readonly object[]
  /** PostgreSQL, in the place of the data folder. */
  readonly database?: string
  /** Besides, as `countersign.json` has them. */
  readonly settings?: object
  /** The node whose issuer and clients it shares; default: it is the first. */
  readonly beside?: Countersign | undefined
}

export async function prepareCountersign({
  command,
  folder,
  rotatesAlways,
  clients = [],
  database,
  settings = {},
  beside,
}: CountersignOptions): Promise<Countersign> {
  const port = await freePort()
  const issuer = beside?.issuer
  const backEnd = beside?.backEnd ?? { id: 'bench-back-end', secret: randomBytes(32).toString('base64url') }
  const file = join(folder, 'countersign.json')
  const policy = rotatesAlways ? { grace_seconds: 0, minimum_life_seconds: 0 } : {}
  writeFileSync(
    file,
    JSON.stringify({
      unsafe_refresh_policy: rotatesAlways,
      sign_up: 'open',
      ...settings,
      clients: [
        { id: 'demo', first_party: true, scopes: ['account'], audiences: [api], ...policy },
        {
          id: backEnd.id,
          secrets: [backEnd.secret],
          first_party: true,
          grant_types: ['client_credentials'],
          scopes: ['sessions:manage', 'revocations'],
        },
        ...clients,
      ],
    }),
  )
  const flags = ['--config', file, '--data', join(folder, 'data'), '--port', String(port)]
  if (database !== undefined) flags.push('--database', database)
  if (issuer !== undefined) flags.push('--issuer', issuer)
  const address = `http://127.0.0.1:${port}`
  return {
    issuer: issuer ?? address,
    address,
    clientId: 'demo',
    backEnd,
    database: join(folder, 'data', 'countersign.sqlite'),
    masterKeyFile: join(folder, 'data', 'master.key'),
    start: () => startServer(command, [...flags, 'serve'], line => line),
  }
}
