import { createReadStream, readFileSync } from 'node:fs'
import { WrongConfiguration } from './configuration-problems.ts'

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}

/** A JSON object in a file. What is wrong with it is told without what stands in it. */
export function readJsonFile(file: string): Record<string, unknown> {
  const text = readFileOf(file).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // The place alone: the rest of the message quotes the file, and a secret may stand there.
    const place = /line \d+ column \d+/.exec(String(error))?.[0]
    throw new WrongConfiguration(`${file} is not valid JSON${place === undefined ? '' : ` (${place})`}.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WrongConfiguration(`${file} does not hold a JSON object.`)
  }
  return { ...value }
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
