import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MasterKey } from '@countersign/core'
import { WrongConfiguration } from './configuration-problems.ts'

/** Makes the data folder if need be: for its owner alone. */
export function openDataFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error
    throw new WrongConfiguration(`${folder} cannot be the data folder: there is a file of that name. Give --data.`)
  }
  return folder
}

/**
 * The master key: from `COUNTERSIGN_MASTER_KEY` (32 bytes, base64url), else from `master.key` in the data folder, which is made at
 * the first start, mode 0600. Two processes that start at once get the same key.
 */
export function readMasterKey(folder: string, fromEnvironment: string | undefined): MasterKey {
  if (fromEnvironment !== undefined && fromEnvironment !== '') return decode(fromEnvironment, 'COUNTERSIGN_MASTER_KEY')
  const file = join(folder, 'master.key')
  if (!existsSync(file)) makeKeyFile(file)
  chmodSync(file, 0o600)
  return decode(readFileSync(file, 'utf8').trim(), file)
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
