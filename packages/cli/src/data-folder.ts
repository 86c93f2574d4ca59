import { accessSync, constants, mkdirSync } from 'node:fs'
import { WrongConfiguration } from './configuration-problems.ts'

/** The embedded store's file in it. */
export const storeFile = 'countersign.sqlite'

const causes: Readonly<Record<string, string>> = {
  EEXIST: 'there is a file of that name',
  ENOTDIR: 'there is a file of that name',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'what it lies on can only be read',
}

/** Makes the data folder if need be: for its owner alone. What stands in the way is said before anything is begun. */
export function openDataFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const cause = causes[String((error as { code?: unknown }).code)]
    if (cause === undefined) throw error
    throw new WrongConfiguration(`${folder} cannot be the data folder: ${cause}. Give another with --data.`)
  }
  return folder
}
