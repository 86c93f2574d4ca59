import { WrongDeclaration } from '../../wrong-declaration.ts'
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

/**
 * Lays a translation over the texts of another language, and reads the sentences. A message that English does not have, or one with other holes than the English one, is
 * a `WrongDeclaration` that names it. `missing`: messages that the translation leaves to the other language.
 */
export function readTexts(
  english: EnglishTexts,
  translation: Messages,
  below: Messages,
): { readonly texts: Texts; readonly missing: readonly string[] } {
  const missing: string[] = []
  const messages = overlay(english, translation, below, '', missing)
  return { texts: readAll(messages, english) as Texts, missing }
}

function overlay(english: Messages, translation: Messages, below: Messages, path: string, missing: string[]): Messages {
  for (const name of Object.keys(translation)) {
    if (!Object.hasOwn(english, name)) throw new WrongDeclaration(`There is no message '${path}${name}'.`)
  }
  return Object.fromEntries(
    Object.entries(english).map(([name, original]) => {
      const own = Object.hasOwn(translation, name) ? translation[name] : undefined
      const other = below[name]
      if (typeof original !== 'string') {
        if (typeof own === 'string') throw new WrongDeclaration(`'${path}${name}' is not one message, but several.`)
        const rest = typeof other === 'object' ? other : original
        return [name, overlay(original, own ?? {}, rest, `${path}${name}.`, missing)]
      }
      if (own === undefined) missing.push(`${path}${name}`)
      else checkHoles(original, own, `${path}${name}`)
      return [name, own ?? other ?? original]
    }),
  )
}

function checkHoles(original: string, own: string | Messages, path: string): void {
  if (typeof own !== 'string' || own.trim() === '') throw new WrongDeclaration(`The message '${path}' must be a text.`)
  const [wanted, found] = [holesIn(original), holesIn(own)]
  if (wanted !== found) {
    throw new WrongDeclaration(
      `The message '${path}' has ${found || 'no holes'}, and must have ${wanted || 'none'}, as in '${original}'.`,
    )
  }
}

function holesIn(text: string): string {
  try {
    return holesOf(readSentence(text))
      .map(hole => `{${hole}}`)
      .join(', ')
  } catch (error) {
    throw new WrongDeclaration(error instanceof Error ? error.message : 'A text cannot be read.')
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
