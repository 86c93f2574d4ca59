import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MasterKey } from '@countersign/core'
import { WrongConfiguration } from './configuration-problems.ts'
import { storeFile } from './data-folder.ts'

/** Where the master key may come from, besides the data folder. */
export interface MasterKeySources {
  /** What `COUNTERSIGN_MASTER_KEY` holds: 32 bytes, base64url. */
  readonly environment?: string | undefined
  /** `master_key_command`: a program and its arguments. */
  readonly command?: readonly string[] | undefined
}

/** The master key, and where it came from: whom it does not fit wants to know which one was read. */
export interface FoundMasterKey {
  readonly key: MasterKey
  /** As it stands in a sentence: a variable, the command, a file. */
  readonly source: string
  /** The file that was just made for it, if one was. */
  readonly madeFile?: string
}

/**
 * The master key: from the environment, else from what the command prints, else from `master.key` in the data folder, which is made at
 * the first start, mode 0600. Two processes that start at once get the same key. Where a store lies already, none is made: it would
 * not open that one, and would lie in the way of the one that does.
 */
export function readMasterKey(folder: string, { environment, command }: MasterKeySources): FoundMasterKey {
  if (environment !== undefined && environment !== '') return found(environment, 'COUNTERSIGN_MASTER_KEY')
  if (command !== undefined) return found(askCommand(command), 'what master_key_command prints')
  const file = join(folder, 'master.key')
  const isMissing = !existsSync(file)
  if (isMissing && holdsStore(folder)) throw missingMasterKey(folder)
  const wasMade = isMissing && makeKeyFile(file)
  chmodSync(file, 0o600)
  return { ...found(readFileSync(file, 'utf8').trim(), file), ...(wasMade && { madeFile: file }) }
}

/** Of a store whose keys were sealed under a key that nobody has given. */
export function missingMasterKey(folder: string): WrongConfiguration {
  return new WrongConfiguration(
    `master.key is missing in ${folder}: put your copy back, or set COUNTERSIGN_MASTER_KEY. Without it nothing that is stored can be opened.`,
  )
}

/** An empty file is one that a start has left behind which was killed before it stored anything. */
function holdsStore(folder: string): boolean {
  return (statSync(join(folder, storeFile), { throwIfNoEntry: false })?.size ?? 0) > 0
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

/** Written whole under another name, then linked: whoever is second finds the first one's key. Answers whether this one was first. */
function makeKeyFile(file: string): boolean {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft)
  }
}

function found(text: string, source: string): FoundMasterKey {
  const key = Buffer.from(text, 'base64url')
  if (key.length === 32 && key.toString('base64url') === text) return { key, source }
  const capital = source.charAt(0).toUpperCase() + source.slice(1)
  throw new WrongConfiguration(`${capital} must hold 32 bytes in base64url (43 characters).`)
}
