import type { Texts } from './catalogue.ts'

/** A language of the hosted pages. */
export interface Language {
  /** BCP 47, for `<html lang>`, and for dates, numbers and lists. */
  readonly tag: string
  /** Its own name for itself: "English", "العربية". */
  readonly name: string
  readonly direction: 'ltr' | 'rtl'
  readonly texts: Texts
  /** What scopes mean, in the operator's words. */
  readonly scopes: Readonly<Record<string, string>>
}
