import { connectionKeys } from '@countersign/connections'
import { clientKeys } from '@countersign/server'
import type * as z from 'zod'
import { apiKeys, configurationKeys } from './configuration-schema.ts'

/** Something in the configuration is wrong; the message says what and where. Nothing starts. */
export class WrongConfiguration extends Error {
  override readonly name = 'WrongConfiguration'
}

/**
 * The problems of a configuration, a line each, with the place where the operator wrote it: a flag, an environment variable, a key of the file; a
 * client by its id. `sources` names those that are not from the file. Never the value: it may be a secret.
 */
export function describeProblems(
  error: z.ZodError,
  written: Readonly<Record<string, unknown>>,
  sources: ReadonlyMap<string, string>,
): string {
  const lines = error.issues.map(issue => {
    const place = placeOf(issue.path, written, sources)
    const problem = issue.code === 'unrecognized_keys' ? unknownKeys(issue.keys, issue.path) : issue.message
    return place === '' ? problem : `${place}: ${problem}`
  })
  return `The configuration is not valid:\n${lines.map(line => `  ${line}`).join('\n')}`
}

function placeOf(
  path: readonly PropertyKey[],
  written: Readonly<Record<string, unknown>>,
  sources: ReadonlyMap<string, string>,
): string {
  const [key, index, ...rest] = path.map(String)
  if (key === undefined) return ''
  const source = sources.get(key) ?? key
  const named = key === 'clients' ? 'id' : key === 'connections' ? 'name' : undefined
  if (named === undefined || index === undefined) return [source, ...path.slice(1).map(String)].join('.')
  const list = written[key]
  const entry = Array.isArray(list) ? (list[Number(index)] as Record<string, unknown> | null | undefined) : undefined
  const id = entry?.[named]
  return [source, typeof id === 'string' && /^[\x21-\x7e]{1,200}$/.test(id) ? id : index, ...rest].join('.')
}

const keysOfEntries: Readonly<Record<string, readonly string[]>> = { apis: apiKeys, connections: connectionKeys }

function unknownKeys(keys: readonly string[], path: readonly PropertyKey[]): string {
  const known = path.length === 0 ? configurationKeys : (keysOfEntries[String(path[0])] ?? clientKeys)
  return keys.map(key => unknownKey(key, known)).join('; ')
}

function unknownKey(key: string, known: readonly string[]): string {
  const [nearest = ''] = known.toSorted((a, b) => distance(key, a) - distance(key, b))
  const isNear = distance(key, nearest) <= Math.max(1, nearest.length / 3)
  return `"${key}" is not a key. ${isNear ? `Did you mean ${nearest}?` : `The keys are ${known.join(', ')}.`}`
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1])
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
