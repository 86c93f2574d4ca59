import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '@countersign/store/testing/free-port'
import { stopWhereItStands } from '@countersign/store/testing/server-process'
import pg from 'pg'
import { findPostgres } from './find-postgres.ts'

/** A PostgreSQL server of the test's own: in a temporary folder, on a free port of loopback, gone with the test's process. */
export interface Cluster {
  readonly url: string
  readonly port: number
  /** Runs one of PostgreSQL's programs as the server's user. */
  readonly run: (program: string, parameters: readonly string[]) => void
  readonly folder: string
  /** Its first process. */
  readonly pid: () => number
  /** Ends it: `immediate` as a power cut would, `fast` as an operator in a hurry. */
  readonly stop: (mode: 'fast' | 'immediate') => Promise<void>
  readonly start: () => Promise<void>
  /** Stops all of its processes where they stand, and lets them go on. */
  readonly pause: () => void
  readonly resume: () => void
  /** Stops it and deletes everything. */
  readonly discard: () => Promise<void>
}

/** PostgreSQL refuses root: then it runs as the user that its package made. */
export function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const number = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: number('-u'), gid: number('-g') }
}

/** A shell that starts the server, and ends it when its own input ends: with the test's process, however that goes. */
const untilInputEnds = '"$@" & server=$!; cat > /dev/null; kill -QUIT $server 2> /dev/null; wait $server'

/** What it has written outlives it without waiting for the disk: the machine goes on. */
const withoutDisk = 'fsync=off'

/** Makes a server and starts it. `settings`: what is said last holds. `standbyOf`: as a copy of another, which follows it. */
export async function startCluster(
  options: { settings?: readonly string[]; standbyOf?: Cluster; environment?: Readonly<Record<string, string>> } = {},
): Promise<Cluster> {
  const { settings = [], standbyOf, environment } = options
  const programs = findPostgres()
  if (programs === undefined) throw new Error('PostgreSQL is not installed')
  const user = serverUser()
  const folder = mkdtempSync(join(tmpdir(), 'countersign-postgres-'))
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const files = join(folder, 'data')
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  let shell: ChildProcess | undefined

  function run(program: string, parameters: readonly string[]): void {
    execFileSync(join(programs ?? '', program), parameters, {
      ...user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  }

  if (standbyOf === undefined) {
    run('initdb', ['-D', files, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'])
  } else {
    run('pg_basebackup', ['-d', standbyOf.url, '-D', files, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'])
  }

  async function start(): Promise<void> {
    const parameters = ['-D', files, '-p', String(port), '-h', '127.0.0.1', '-k', folder]
    for (const setting of [withoutDisk, ...settings]) parameters.push('-c', setting)
    const command = [join(programs ?? '', 'postgres'), ...parameters]
    shell = spawn('sh', ['-c', untilInputEnds, 'sh', ...command], {
      ...user,
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    for (let tries = 0; !(await answers(url)); tries++) {
      if (tries > 3_000) throw new Error('PostgreSQL did not start')
      await setTimeout(20)
    }
  }

  async function stop(mode: 'fast' | 'immediate'): Promise<void> {
    if (shell === undefined) return
    const ended = once(shell, 'close')
    run('pg_ctl', ['-D', files, '-m', mode, '-w', 'stop'])
    shell.stdin?.end()
    await ended
    shell = undefined
  }

  const pid = (): number => Number(readFileSync(join(files, 'postmaster.pid'), 'utf8').split('\n')[0])

  /** Those that have ended are among them for as long as the first process stands still. */
  const children = (server: number): readonly number[] =>
    readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').trim().split(' ').map(Number)

  await start()
  return {
    url,
    port,
    folder,
    pid,
    run,
    start,
    stop,
    pause() {
      const server = pid()
      // First of all: from then on it starts no other.
      stopWhereItStands(server)
      children(server).forEach(stopWhereItStands)
    },
    resume() {
      const server = pid()
      for (const id of [...children(server), server]) process.kill(id, 'SIGCONT')
    },
    async discard() {
      await stop('immediate')
      rmSync(folder, { recursive: true })
    },
  }
}

/** Whether a server lets us in. */
export async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}
