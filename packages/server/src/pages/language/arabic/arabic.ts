import type { Translation } from '../catalogue.ts'
import type { EnglishTexts } from '../english/english.ts'
import { mailPages } from './mail-pages.ts'
import { mails } from './mails.ts'
import { pages } from './pages.ts'
import { problems } from './problems.ts'

/** Modern Standard Arabic. */
export const arabic: {
  readonly language: string
  readonly name: string
  readonly direction: 'rtl'
  readonly texts: Translation<EnglishTexts>
} = { language: 'ar', name: 'العربية', direction: 'rtl', texts: { ...pages, ...mailPages, ...mails, ...problems } }
