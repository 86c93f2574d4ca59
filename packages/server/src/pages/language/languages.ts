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
  /** Where it is written, for whoever has to mend it: a file. */
  readonly source?: string
}

/** The languages that pages can be shown in. */
export interface Languages {
  /** In the order in which they are offered. */
  readonly all: readonly Language[]
  /** For those whose wishes are not known, or cannot be met. */
  readonly first: Language
  byTag(tag: string): Language | undefined
  readonly unfinished: readonly UnfinishedLanguage[]
}

/** A language that leaves messages to English. */
export interface UnfinishedLanguage {
  readonly tag: string
  /** As `signIn.title`. */
  readonly missing: readonly string[]
}

export interface LanguagesOptions {
  readonly written?: readonly WrittenLanguage[]
  /** The only ones that are offered, the first of them where nobody has wished for any. By default English, Arabic, and those that are written. */
  readonly offered?: readonly string[]
}

/** English and Arabic, and what the operator has written. What cannot be used is a `WrongDeclaration`, with all that is wrong. */
export function createLanguages({ written = [], offered }: LanguagesOptions = {}): Languages {
  const faults: string[] = []
  const unfinished: UnfinishedLanguage[] = []
  const own = [english, arabic].map(language => ({ ...language, texts: language.texts as Messages }))
  const layers = layersOf(written, faults)
  const known = [...new Set([...own.map(({ language }) => language), ...layers.keys()])].map(tag => {
    const builtIn = own.find(({ language }) => language === tag)
    const layer = layers.get(tag)
    const read = readTexts(english.texts, layer?.texts ?? {}, builtIn?.texts ?? english.texts)
    faults.push(...read.faults.map(fault => `${layer?.source ?? `Language '${tag}'`}: ${fault}`))
    if (builtIn === undefined && read.missing.length > 0) unfinished.push({ tag, missing: read.missing })
    const name = layer?.name ?? builtIn?.name ?? guessedName(tag)
    const direction = layer?.direction ?? builtIn?.direction ?? guessedDirection(tag)
    return { tag, name, direction, texts: read.texts, scopes: layer?.scopes ?? {} }
  })
  const all = offered === undefined ? known : offeredOf(known, offered, faults)
  const [first] = all
  if (faults.length > 0) throw new WrongDeclaration(...faults)
  if (first === undefined) throw new WrongDeclaration('At least one language must be offered.')
  return { all, first, unfinished, byTag: tag => all.find(language => language.tag === tag) }
}

/** What is written, by its language. */
function layersOf(written: readonly WrittenLanguage[], faults: string[]): ReadonlyMap<string, WrittenLanguage> {
  const layers = new Map<string, WrittenLanguage>()
  for (const layer of written) {
    const place = layer.source === undefined ? '' : `${layer.source}: `
    const tag = canonicalTag(layer.language)
    if (tag === undefined) faults.push(`${place}'${layer.language}' is no language tag (BCP 47). ${tagsLookLike}`)
    else if (layers.has(tag)) faults.push(`${place}The language '${tag}' is written twice.`)
    else layers.set(tag, layer)
  }
  return layers
}

const tagsLookLike = "It should look like 'fr' or 'pt-BR'."

function offeredOf(known: readonly Language[], tags: readonly string[], faults: string[]): readonly Language[] {
  return tags.flatMap(tag => {
    const language = known.find(one => one.tag === canonicalTag(tag))
    if (language !== undefined) return [language]
    const names = known.map(one => one.tag).join(', ')
    faults.push(`There is no language '${tag}'. There are ${names}; more can be added by a file.`)
    return []
  })
}

function canonicalTag(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0]
  } catch {
    return undefined
  }
}

/** Node takes a while to get ready for the first of these: they are asked only for what nobody has said. */
function guessedName(tag: string): string {
  return new Intl.DisplayNames([tag], { type: 'language', languageDisplay: 'standard' }).of(tag) ?? tag
}

function guessedDirection(tag: string): 'ltr' | 'rtl' {
  const locale: Intl.Locale & { getTextInfo?: () => { direction?: string } } = new Intl.Locale(tag)
  return locale.getTextInfo?.().direction === 'rtl' ? 'rtl' : 'ltr'
}
