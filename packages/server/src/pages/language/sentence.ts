import { type Content, type Html, html, htmlText } from '../html.ts'

/**
 * A sentence with holes, such as "to continue to {application}". Whole sentences stand in a catalogue, so that a translation may put the holes where its grammar wants
 * them. It is no string: a sentence whose holes nobody has filled does not fit into a page.
 */
export interface Sentence<Hole extends string = string> {
  readonly parts: readonly (string | { readonly hole: Hole })[]
}

/** Names of the holes of a text: `HolesOf<'to continue to {application}'>` is `'application'`. */
export type HolesOf<Text extends string> = Text extends `${string}{${infer Hole}}${infer Rest}`
  ? Hole | HolesOf<Rest>
  : never

/** What stands in the holes, by their names. */
export type Filling<Hole extends string, Value> = Readonly<Record<Hole, Value>>

/** Reads the text of a sentence. A brace that opens or closes nothing is a TypeError. */
export function readSentence(text: string): Sentence {
  const parts = text.split(/(\{[a-zA-Z]+\})/).filter(part => part !== '')
  return {
    parts: parts.map(part => {
      if (/^\{[a-zA-Z]+\}$/.test(part)) return { hole: part.slice(1, -1) }
      if (/[{}]/.test(part)) throw new TypeError(`A brace of the text '${text}' belongs to no hole.`)
      return part
    }),
  }
}

/** Names of the holes, in order, each once. */
export function holesOf({ parts }: Sentence): readonly string[] {
  return [...new Set(parts.flatMap(part => (typeof part === 'string' ? [] : part.hole)))].sort()
}

/** The sentence as markup. What is plain text is isolated, whichever way it is written: it was not made here (Unicode UAX #9). */
export function fill<Hole extends string>(
  { parts }: Sentence<Hole>,
  filling: Filling<NoInfer<Hole>, Html | string | number>,
): Html {
  const content = parts.map((part): Content => {
    if (typeof part === 'string') return part
    const value = filling[part.hole]
    return typeof value === 'string' ? html`<bdi>${value}</bdi>` : value
  })
  return html`${content}`
}

/** The sentence as text, for titles and attributes. */
export function fillText<Hole extends string>(
  { parts }: Sentence<Hole>,
  filling: Filling<NoInfer<Hole>, string | number>,
): string {
  const needsIsolation = parts.some(part => mayTurn(typeof part === 'string' ? part : String(filling[part.hole])))
  return parts
    .map(part => {
      if (typeof part === 'string') return part
      const value = String(filling[part.hole]).replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
      return needsIsolation ? `\u2068${value}\u2069` : value
    })
    .join('')
}

/** Whether a text holds what is written from right to left, or what turns the writing around. */
function mayTurn(text: string): boolean {
  return /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]|[\ud802\ud803\ud83a\ud83b]/.test(
    text,
  )
}

/** Several things in one sentence, joined as the language does it: "A and B". */
export function listOf(tag: string, items: readonly Html[], type: 'conjunction' | 'unit' = 'conjunction'): Html {
  const parts = new Intl.ListFormat(tag, { type, style: type === 'unit' ? 'short' : 'long' }).formatToParts(
    items.map(htmlText),
  )
  let next = 0
  return html`${parts.map(({ type: kind, value }) => (kind === 'element' ? items[next++] : value))}`
}
