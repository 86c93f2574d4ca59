import { connectionKeys } from '@countersign/connections/settings'
import { clientKeys } from '@countersign/server'
import type * as z from 'zod'
import { apiKeys, configurationKeys, themeKeys } from './configuration-schema.ts'

/** Something in the configuration is wrong; the message says what and where. Nothing starts. */
export class WrongConfiguration extends Error {
  override readonly name = 'WrongConfiguration'
}

/** All that is wrong, a line each. `file`: where keys without another source stand. */
export function refusal(problems: readonly string[], file?: string): WrongConfiguration {
  const heading = `The configuration is not valid${file === undefined ? '' : ` (file: ${file})`}:`
  return new WrongConfiguration([heading, ...problems.map(problem => `  ${problem}`)].join('\n'))
}

/** What `read` reads. What it finds wrong joins the problems, to be told with them. */
export function noting<T>(problems: string[], read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof WrongConfiguration)) throw error
    problems.push(error.message)
    return undefined
  }
}

/**
 * The problems of a configuration, each with the place where the operator wrote it: a flag, an environment variable, a key of the file; a
 * client by its id. `sources` names those that are not from the file. Never the value: it may be a secret.
 */
export function problemsOf(
  error: z.ZodError,
  written: Readonly<Record<string, unknown>>,
  sources: ReadonlyMap<string, string>,
): readonly string[] {
  return error.issues.map(issue => {
    const place = placeOf(issue.path, written, sources)
    const problem = problemOf(issue, written)
    return place === '' ? problem : `${place}: ${problem}`
  })
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

const keysOfEntries: Readonly<Record<string, readonly string[]>> = {
  apis: apiKeys,
  connections: connectionKeys,
  theme: themeKeys,
}

function problemOf(issue: z.core.$ZodIssue, written: unknown): string {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, issue.path)
  if (issue.code !== 'invalid_value') return issue.message
  const values = issue.values.map(String)
  const value = issue.path.reduce((from, key) => (from as Record<PropertyKey, unknown> | undefined)?.[key], written)
  const meant = typeof value === 'string' ? nearestOf(value, values) : undefined
  const said = `must be ${values.length > 1 ? 'one of ' : ''}${values.map(one => `"${one}"`).join(', ')}`
  return meant === undefined ? said : `${said}. Did you mean "${meant}"?`
}

function unknownKeys(keys: readonly string[], path: readonly PropertyKey[]): string {
  const known = path.length === 0 ? configurationKeys : (keysOfEntries[String(path[0])] ?? clientKeys)
  return keys.map(key => unknownKey(key, known)).join('; ')
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearestOf(key, known)
  return `"${key}" is not a key. ${meant === undefined ? `The keys are ${known.join(', ')}.` : `Did you mean ${meant}?`}`
}

/** The one that was probably meant: at most a third of its letters are others. */
function nearestOf(word: string, known: readonly string[]): string | undefined {
  const [nearest = ''] = known.toSorted((a, b) => distance(word, a) - distance(word, b))
  return distance(word, nearest) <= Math.max(1, nearest.length / 3) ? nearest : undefined
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
export function distance(a: string, b: string): number {
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
