import { mkdirSync } from 'node:fs'
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
