import { createReadStream, readFileSync } from 'node:fs'
import { WrongConfiguration } from './configuration-problems.ts'
import { parseJson } from './json-text.ts'

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'what should be a folder on its path is a file',
}

/** A JSON object in a file. What is wrong with it is told without what stands in it. */
export function readJsonFile(file: string): Record<string, unknown> {
  const read = parseJson(readFileOf(file).toString('utf8'))
  if ('problem' in read) throw new WrongConfiguration(`${file} ${read.problem}.${hintOf(file)}`)
  const { value } = read
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WrongConfiguration(`${file} does not hold a JSON object.`)
  }
  return { ...value }
}

/** Other formats are not read. */
function hintOf(file: string): string {
  return /\.(ya?ml|toml|ini|env|jsonc|json5)$/i.test(file) ? ' It must be JSON, whatever its name says.' : ''
}

/** The bytes of a file of the operator's. */
export function readFileOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw cannotBeRead(file, error)
  }
}

/** The same, a piece at a time. */
export async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file)
  } catch (error) {
    throw cannotBeRead(file, error)
  }
}

function cannotBeRead(file: string, error: unknown): WrongConfiguration {
  const code = String((error as { code?: unknown }).code)
  return new WrongConfiguration(`${file} cannot be read: ${causes[code] ?? code}.`)
}
