import { mailPages } from './mail-pages.ts'
import { mails } from './mails.ts'
import { pages } from './pages.ts'
import { problems } from './problems.ts'

/** Every text of the hosted pages. The other languages have the same messages, with the same holes. */
export type EnglishTexts = typeof pages & typeof mailPages & typeof mails & typeof problems

/** English, as it is written in Britain. */
export const english: {
  readonly language: string
  readonly name: string
  readonly direction: 'ltr'
  readonly texts: EnglishTexts
} = { language: 'en-GB', name: 'English', direction: 'ltr', texts: { ...pages, ...mailPages, ...mails, ...problems } }
