import { createHash } from 'node:crypto'

/** One SQL statement, prepared under its name on each connection that meets it. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/**
 * Arrays of parameters as rows, by the name of `asked`, each with its place. How many they are is kept from the planner, by a `SELECT` and by a condition that is
 * always true: it takes them for one row. So the plan that it makes once is as good for every other call, on empty tables and on large ones, and finds each
 * row by its index; if it knew, it would plan each call anew, which takes longer than to run it.
 */
export function askedText(columns: string, ...arrays: readonly string[]): string {
  const unnested = arrays.map(array => `(SELECT ${array})`).join(', ')
  return `(SELECT * FROM unnest(${unnested}) WITH ORDINALITY AS one(${columns}, place) WHERE place BETWEEN 1 AND 1000000) asked`
}

/** Names the store's schema in every SQL text of this package; what is run names the one that was asked for. */
const schemaInTexts = /\bcountersign\./g

/** Puts a schema's name in the place of `countersign.`, quoted. */
export function inSchema(schema: string, text: string): string {
  return text.replaceAll(schemaInTexts, `${quotedName(schema)}.`)
}

/** A name as SQL takes it, whatever it holds. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL takes it, whatever it holds. */
export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/**
 * Has a transaction wait for the disk: as it is configured, if that waits for the disk or for more. Asked in each, since it can be configured otherwise at any time.
 */
export const durableText =
  "SELECT set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)"

/**
 * How statements are made for one schema. The name is made of the text: nodes of two versions behind one pooler never mean
 * different things by one name.
 */
export function statementsIn(schema: string): (text: string) => Statement {
  return text => {
    const own = inSchema(schema, text)
    return { name: `cs_${createHash('sha256').update(own).digest('hex').slice(0, 24)}`, text: own }
  }
}

/** A number for a lock that the whole database shares: one for each purpose and schema. */
export function lockNumber(schema: string, purpose: string): bigint {
  return createHash('sha256').update(`countersign ${purpose} ${schema}`).digest().readBigInt64BE(0)
}
