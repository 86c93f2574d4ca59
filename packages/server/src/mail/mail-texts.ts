import { english } from './texts.en.ts'
import type { MailTexts } from './texts.ts'

const all: readonly MailTexts[] = [english]

/** The texts in a language (BCP 47), or in English where there are none. */
export function mailTexts(language: string): MailTexts {
  const primary = (tag: string): string => tag.split('-')[0]?.toLowerCase() ?? ''
  return (
    all.find(texts => texts.language === language) ??
    all.find(texts => primary(texts.language) === primary(language)) ??
    english
  )
}
