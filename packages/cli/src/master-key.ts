import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MasterKey } from '@countersign/core'
import { WrongConfiguration } from './configuration-problems.ts'

/** Where the master key may come from, besides the data folder. */
export interface MasterKeySources {
  /** What `COUNTERSIGN_MASTER_KEY` holds: 32 bytes, base64url. */
  readonly environment?: string | undefined
  /** `master_key_command`: a program and its arguments. */
  readonly command?: readonly string[] | undefined
}

/**
 * The master key: from the environment, else from what the command prints, else from `master.key` in the data folder, which is made at
 * the first start, mode 0600. Two processes that start at once get the same key.
 */
export function readMasterKey(folder: string, { environment, command }: MasterKeySources): MasterKey {
  if (environment !== undefined && environment !== '') return decode(environment, 'COUNTERSIGN_MASTER_KEY')
  if (command !== undefined) return decode(askCommand(command), 'What master_key_command prints')
  const file = join(folder, 'master.key')
  if (!existsSync(file)) makeKeyFile(file)
  chmodSync(file, 0o600)
  return decode(readFileSync(file, 'utf8').trim(), file)
}

const patienceMs = 30_000

/** What a key service's own tool prints, in either alphabet of base64. It is never shown; what the tool complains of is. */
function askCommand([program = '', ...args]: readonly string[]): string {
  const { error, status, signal, stdout } = spawnSync(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    timeout: patienceMs,
    killSignal: 'SIGKILL',
    maxBuffer: 4096,
  })
  const { code } = (error ?? {}) as { code?: unknown }
  if (code === 'ETIMEDOUT')
    throw new WrongConfiguration(`master_key_command did not end within ${patienceMs / 1000} s.`)
  if (code === 'ENOBUFS') throw new WrongConfiguration('master_key_command prints more than a key.')
  if (error !== undefined) throw new WrongConfiguration(`master_key_command cannot be run: ${program} (${code}).`)
  if (status !== 0) throw new WrongConfiguration(`master_key_command ended with ${status ?? signal}.`)
  return stdout.trim().replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, '')
}

/** Written whole under another name, then linked: whoever is second finds the first one's key. */
function makeKeyFile(file: string): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
}

function decode(text: string, source: string): MasterKey {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== 32 || bytes.toString('base64url') !== text) {
    throw new WrongConfiguration(`${source} must hold 32 bytes in base64url (43 characters).`)
  }
  return bytes
}
