import { assetHeaders, pageHeaders } from '../pages/content-security-policy.ts'
import type { Language } from '../pages/language/language.ts'
import { createLanguages } from '../pages/language/languages.ts'
import { createSite, inLanguage } from '../pages/site.ts'
import { samplePages } from './sample-pages.ts'

/** Every sample page in every language, as a server would answer it, at `/{language}/{name}`. */
export interface SampleSite {
  readonly pages: readonly { readonly language: Language; readonly name: string; readonly path: string }[]
  answer(path: string): { readonly headers: Record<string, string>; readonly body: string | Buffer } | undefined
}

export function createSampleSite(): SampleSite {
  const languages = createLanguages()
  const site = createSite({ host: 'id.example.com', name: 'Orchard ID', languages })
  const answers = new Map<string, ReturnType<SampleSite['answer']>>()
  for (const { path, contentType, body } of site.assets) answers.set(path, { headers: assetHeaders(contentType), body })
  const pages = languages.all.flatMap(language => {
    const menu = languages.all.map(one => ({ language: one, ...(one !== language && { url: `/language/${one.tag}` }) }))
    return Object.entries(samplePages(inLanguage(site, language, menu))).map(([name, body]) => {
      const path = `/${language.tag}/${name}`
      answers.set(path, { headers: pageHeaders(), body })
      return { language, name, path }
    })
  })
  return { pages, answer: path => answers.get(path) }
}
