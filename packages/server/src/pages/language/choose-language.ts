import type { Language } from './language.ts'

const wishesAtMost = 20
const charactersAtMost = 500

/** The tags of `ui_locales` (OpenID Connect Core §3.1.2.1): separated by spaces, the most wanted first. What is no tag is passed over. */
export function readUiLocales(text: string): readonly string[] {
  return text.slice(0, charactersAtMost).split(' ').filter(isTag).slice(0, wishesAtMost)
}

/** The tags of `Accept-Language` (RFC 9110 §12.5.4), the most wanted first, without those that are not wanted at all. */
export function readAcceptLanguage(text: string): readonly string[] {
  return text
    .slice(0, charactersAtMost)
    .split(',')
    .slice(0, wishesAtMost)
    .map(part => {
      const [tag = '', ...more] = part.split(';').map(word => word.trim())
      const weight = /^q=([01](?:\.\d{0,3})?)$/i.exec(more[0] ?? '')?.[1]
      return { tag, weight: more.length === 0 ? 1 : Number(weight ?? 0) }
    })
    .filter(({ tag, weight }) => isTag(tag) && weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag)
}

/**
 * The first wish that can be met (RFC 4647 §3.4): the language itself, else a shorter form of its tag, else any that shares its first part, as `en-US` and `en-GB` do.
 */
export function chooseLanguage(languages: readonly Language[], wishes: readonly string[]): Language | undefined {
  for (const wish of wishes) {
    const parts = wish.toLowerCase().split('-')
    for (let length = parts.length; length > 0; length--) {
      const range = parts.slice(0, length).join('-')
      const found = languages.find(({ tag }) => tag.toLowerCase() === range)
      if (found !== undefined) return found
    }
    const related = languages.find(({ tag }) => tag.toLowerCase().split('-')[0] === parts[0])
    if (related !== undefined) return related
  }
  return undefined
}

function isTag(text: string): boolean {
  return /^[a-z]{2,8}(?:-[a-z0-9]{1,8}){0,6}$/i.test(text)
}
