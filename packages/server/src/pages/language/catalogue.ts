import type { EnglishTexts } from './english/english.ts'
import { type HolesOf, holesOf, readSentence, type Sentence } from './sentence.ts'

/** Texts of another language: every message of the English ones, and none besides. */
export type Translation<English> = {
  readonly [Name in keyof English]: English[Name] extends string ? string : Translation<English[Name]>
}

/** Texts as pages use them: a message with holes is a sentence that has to be filled. */
export type Texts = Read<EnglishTexts>

type Read<Texts> = {
  readonly [Name in keyof Texts]: Texts[Name] extends string
    ? [HolesOf<Texts[Name]>] extends [never]
      ? string
      : Sentence<HolesOf<Texts[Name]>>
    : Read<Texts[Name]>
}

/** A tree of messages, as a file may hold it. */
export interface Messages {
  readonly [name: string]: string | Messages
}

/** A translation as it was read. */
export interface ReadTexts {
  readonly texts: Texts
  /** Messages that the translation leaves to the other language. */
  readonly missing: readonly string[]
  /** What is wrong with it: a message that English does not have, or one with other holes than the English one. It counts as if it were missing. */
  readonly faults: readonly string[]
}

/** Lays a translation over the texts of another language, and reads the sentences. */
export function readTexts(english: EnglishTexts, translation: Messages, below: Messages): ReadTexts {
  const notes: Notes = { missing: [], faults: [] }
  const messages = overlay(english, translation, below, '', notes)
  return { texts: readAll(messages, english) as Texts, ...notes }
}

interface Notes {
  readonly missing: string[]
  readonly faults: string[]
}

function overlay(english: Messages, translation: Messages, below: Messages, path: string, notes: Notes): Messages {
  for (const name of Object.keys(translation)) {
    if (!Object.hasOwn(english, name)) notes.faults.push(`There is no message '${path}${name}'.`)
  }
  return Object.fromEntries(
    Object.entries(english).map(([name, original]) => {
      const own = Object.hasOwn(translation, name) ? translation[name] : undefined
      const other = below[name]
      if (typeof original !== 'string') {
        const isOne = typeof own === 'string'
        if (isOne) notes.faults.push(`'${path}${name}' is not one message, but several.`)
        const rest = typeof other === 'object' ? other : original
        return [name, overlay(original, isOne ? {} : (own ?? {}), rest, `${path}${name}.`, notes)]
      }
      if (own === undefined) notes.missing.push(`${path}${name}`)
      const fault = own === undefined ? undefined : faultOf(original, own, `${path}${name}`)
      if (fault !== undefined) notes.faults.push(fault)
      return [name, (fault === undefined ? own : undefined) ?? other ?? original]
    }),
  )
}

function faultOf(original: string, own: string | Messages, path: string): string | undefined {
  if (typeof own !== 'string' || own.trim() === '') return `The message '${path}' must be a text.`
  const [wanted, found] = [holesIn(original), holesIn(own)]
  if (typeof found !== 'string') return `The message '${path}': ${found.fault}`
  if (wanted === found) return undefined
  return `The message '${path}' has ${found || 'no holes'}, and must have ${wanted || 'none'}, as in '${original}'.`
}

function holesIn(text: string): string | { readonly fault: string } {
  try {
    return holesOf(readSentence(text))
      .map(hole => `{${hole}}`)
      .join(', ')
  } catch (error) {
    return { fault: error instanceof Error ? error.message : 'it cannot be read.' }
  }
}

function readAll(messages: Messages, english: Messages): unknown {
  return Object.fromEntries(
    Object.entries(messages).map(([name, message]) => {
      const original = english[name]
      if (typeof message !== 'string') return [name, readAll(message, typeof original === 'object' ? original : {})]
      const hasHoles = typeof original === 'string' && original.includes('{')
      return [name, hasHoles ? readSentence(message) : message]
    }),
  )
}
