import { WrongDeclaration } from '../../wrong-declaration.ts'
import { arabic } from './arabic/arabic.ts'
import { type Messages, readTexts } from './catalogue.ts'
import { english } from './english/english.ts'
import type { Language } from './language.ts'

/** A language as an operator writes it: one that there is, with other words, or a new one. */
export interface WrittenLanguage {
  /** BCP 47, such as `fr` or `pt-BR`. */
  readonly language: string
  /** What it calls itself. By default as `Intl` knows it. */
  readonly name?: string
  /** By default as `Intl` knows it. */
  readonly direction?: 'ltr' | 'rtl'
  /** What is left out is as it was; in a new language English. */
  readonly texts?: Messages
  /** What scopes mean, in words for the users who are asked to allow them; by the scope. */
  readonly scopes?: Readonly<Record<string, string>>
}

/** The languages that pages can be shown in. */
export interface Languages {
  /** In the order in which they are offered. */
  readonly all: readonly Language[]
  /** For those whose wishes are not known, or cannot be met. */
  readonly first: Language
  byTag(tag: string): Language | undefined
  /** Messages that a language leaves to English, as `fr: signIn.title`. */
  readonly missing: readonly string[]
}

export interface LanguagesOptions {
  readonly written?: readonly WrittenLanguage[]
  /** The only ones that are offered, the first of them where nobody has wished for any. By default English, Arabic, and those that are written. */
  readonly offered?: readonly string[]
}

/** English and Arabic, and what the operator has written. What cannot be used is a `WrongDeclaration`. */
export function createLanguages({ written = [], offered }: LanguagesOptions = {}): Languages {
  const missing: string[] = []
  const own = [english, arabic].map(language => ({ ...language, texts: language.texts as Messages }))
  const tags = [...own.map(({ language }) => language), ...written.map(({ language }) => canonicalTag(language))]
  const known = [...new Set(tags)].map(tag => {
    const builtIn = own.find(({ language }) => language === tag)
    const layers = written.filter(({ language }) => canonicalTag(language) === tag)
    if (layers.length > 1) throw new WrongDeclaration(`The language '${tag}' is written twice.`)
    const below = builtIn?.texts ?? english.texts
    const read = readLanguage(tag, layers[0]?.texts ?? {}, below)
    if (builtIn === undefined) missing.push(...read.missing.map(name => `${tag}: ${name}`))
    const { name, direction } = { ...guessed(tag), ...builtIn, ...withoutUndefined(layers[0]) }
    return { tag, name, direction, texts: read.texts, scopes: layers[0]?.scopes ?? {} }
  })
  const all = offered === undefined ? known : offered.map(tag => offeredOf(known, tag))
  const [first] = all
  if (first === undefined) throw new WrongDeclaration('At least one language must be offered.')
  return { all, first, missing, byTag: tag => all.find(language => language.tag === tag) }
}

function readLanguage(tag: string, own: Messages, below: Messages): ReturnType<typeof readTexts> {
  try {
    return readTexts(english.texts, own, below)
  } catch (error) {
    if (error instanceof WrongDeclaration) throw new WrongDeclaration(`Language '${tag}': ${error.message}`)
    throw error
  }
}

function offeredOf(known: readonly Language[], tag: string): Language {
  const language = known.find(one => one.tag === canonicalTag(tag))
  if (language === undefined) {
    throw new WrongDeclaration(
      `There is no language '${tag}'. There are ${known.map(one => one.tag).join(', ')}; more can be added by a file.`,
    )
  }
  return language
}

function canonicalTag(tag: string): string {
  try {
    const [canonical] = Intl.getCanonicalLocales(tag)
    if (canonical !== undefined) return canonical
  } catch {
    // Told below.
  }
  throw new WrongDeclaration(`'${tag}' is no language tag (BCP 47). It should look like 'fr' or 'pt-BR'.`)
}

function guessed(tag: string): { name: string; direction: 'ltr' | 'rtl' } {
  const locale: Intl.Locale & { getTextInfo?: () => { direction?: string } } = new Intl.Locale(tag)
  const name = new Intl.DisplayNames([tag], { type: 'language', languageDisplay: 'standard' }).of(tag) ?? tag
  return { name, direction: locale.getTextInfo?.().direction === 'rtl' ? 'rtl' : 'ltr' }
}

function withoutUndefined({
  name,
  direction,
}: Partial<WrittenLanguage> = {}): Partial<Pick<Language, 'name' | 'direction'>> {
  return { ...(name !== undefined && { name }), ...(direction !== undefined && { direction }) }
}
