import { connectionKeys, connectionMembers } from '@countersign/connections/settings'
import { clientKeys } from '@countersign/server'
import type * as z from 'zod'
import { apiKeys, colorKeys, configurationKeys, numberKeys, themeKeys } from './configuration-schema.ts'

/** Something in the configuration is wrong; the message says what and where. Nothing starts. */
export class WrongConfiguration extends Error {
  override readonly name = 'WrongConfiguration'
}

/** All that is wrong, a line each. `file`: where keys without another source stand. */
export function refusal(problems: readonly string[], file?: string): WrongConfiguration {
  const heading = `The configuration is not valid (${file === undefined ? '' : `file: ${file}; `}all keys: docs/configuration.md):`
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
  error: z.ZodError | undefined,
  written: Readonly<Record<string, unknown>>,
  sources: ReadonlyMap<string, string>,
): readonly string[] {
  if (error === undefined) return []
  // Of another kind altogether, its length is no news.
  const otherKind = new Set(
    error.issues.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.join('.')),
  )
  const isNews = ({ code, path }: z.core.$ZodIssue): boolean =>
    (code !== 'too_small' && code !== 'too_big') || !otherKind.has(path.join('.'))
  const problems = error.issues.filter(isNews).map(issue => {
    const place = placeOf(issue.path, written, sources)
    const problem = `${problemOf(issue, written)}${writtenNumber(issue, written, sources)}`
    return place === '' ? problem : `${place}: ${problem}`
  })
  return [...new Set(problems)]
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
}

/** What stands in the place of a number in the environment or a flag: no secret, and often what a template has made. */
function writtenNumber(
  { path }: z.core.$ZodIssue,
  written: Readonly<Record<string, unknown>>,
  sources: ReadonlyMap<string, string>,
): string {
  const key = String(path[0])
  if (path.length !== 1 || !sources.has(key) || !numberKeys.has(key)) return ''
  return `, not "${String(written[key]).slice(0, 40)}"`
}

function problemOf(issue: z.core.$ZodIssue, written: unknown): string {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, issue.path)
  const value = issue.path.reduce((from, key) => (from as Record<PropertyKey, unknown> | undefined)?.[key], written)
  if (value === undefined && issue.path.length > 0 && hasNoWords(issue)) return 'is needed'
  if (issue.code === 'invalid_key') return `has a name that ${problemOfKey(issue)}`
  if (issue.code !== 'invalid_value') return hasNoWords(issue) ? plainProblem(issue) : issue.message
  const values = issue.values.map(String)
  const meant = typeof value === 'string' ? nearestOf(value, values) : []
  const said = `must be ${values.length > 1 ? 'one of ' : ''}${values.map(one => `"${one}"`).join(', ')}`
  return meant.length === 0 ? said : `${said}. Did you mean "${meant.join('" or "')}"?`
}

/** Whether the schema itself does not say what would be right. */
function hasNoWords({ code, message }: z.core.$ZodIssue): boolean {
  return code !== 'custom' && /^(Invalid|Too (big|small))/.test(message)
}

function problemOfKey({ issues: [issue] }: z.core.$ZodIssueInvalidKey): string {
  if (issue?.code === 'invalid_value') return `is not one of ${issue.values.join(', ')}`
  return issue === undefined || hasNoWords(issue) ? 'is not allowed' : issue.message
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text, in double quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list, [ … ]',
  object: 'an object, { … }',
  record: 'an object, { … }',
}

function plainProblem(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be ${kinds[issue.expected] ?? issue.expected}`
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const [bound, word] = issue.code === 'too_small' ? [issue.minimum, 'at least'] : [issue.maximum, 'at most']
    if (issue.origin === 'string') return bound === 1 ? 'must not be empty' : `must have ${word} ${bound} characters`
    return `must ${issue.origin === 'array' ? `hold ${word} ${bound}` : `be ${word} ${bound}`}`
  }
  return 'has a form that is not allowed'
}

function unknownKeys(keys: readonly string[], path: readonly PropertyKey[]): string {
  return keys.map(key => unknownKey(key, keysAt(path.map(String)))).join('; ')
}

function keysAt([first, second, third]: readonly string[]): readonly string[] {
  if (first === undefined) return configurationKeys
  if (first === 'theme') return second === undefined ? themeKeys : colorKeys
  if (first === 'connections' && third !== undefined) return connectionMembers[third] ?? []
  return keysOfEntries[first] ?? clientKeys
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearestOf(key, known)
  return `${JSON.stringify(key)} is not a key. ${meant.length === 0 ? 'None is like it.' : `Did you mean ${meant.join(' or ')}?`}`
}

/** The ones that were probably meant, three at most: one of whose letters at most a third are others; else the longest that is among its words; else those that have most of its words, or begin so. */
export function nearestOf(word: string, known: readonly string[]): readonly string[] {
  const [nearest = ''] = known.toSorted((a, b) => distance(word, a) - distance(word, b))
  const others = distance(word, nearest)
  if (others <= Math.max(1, nearest.length / 3) && others < word.length) return [nearest]
  const parts = wordsOf(word)
  const within = known.filter(one => wordsOf(one).every(part => parts.includes(part)))
  if (within.length > 0) return within.toSorted((a, b) => b.length - a.length).slice(0, 1)
  const shared = (one: string): number =>
    parts.filter(part => part.length > 2 && wordsOf(one).some(other => other.startsWith(part))).length
  const most = Math.max(0, ...known.map(shared))
  const near = most === 0 ? [] : known.filter(one => shared(one) === most)
  return near.length <= 3 ? near : []
}

const wordsOf = (text: string): readonly string[] => text.split(/_|(?<=[a-z])(?=[A-Z])/).map(one => one.toLowerCase())

/** How many letters must be put in, taken out, changed, or changed for their neighbour (Damerau and Levenshtein). */
export function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1])
      const isTurned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const turned = isTurned ? (before[j - 2] ?? 0) + 1 : changed
      next.push(Math.min(changed, turned, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
