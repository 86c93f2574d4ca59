import { expect, test } from 'vitest'
import { chooseLanguage, readAcceptLanguage, readUiLocales } from './choose-language.ts'
import { createLanguages } from './languages.ts'

const { all } = createLanguages({ written: [{ language: 'pt-BR' }, { language: 'he' }] })

test.each([
  ['en-GB', 'en-GB'],
  ['EN-gb', 'en-GB'],
  ['en', 'en-GB'],
  ['en-US', 'en-GB'],
  ['pt', 'pt-BR'],
  ['he-IL-u-nu-latn', 'he'],
  ['fr he', 'he'],
  ['fr', undefined],
  ['e', undefined],
  ['fr-CA x', undefined],
  ['../he', undefined],
  [`${'x'.repeat(600)} he`, undefined],
])('ui_locales %j is met with %s (RFC 4647 §3.4)', (wish, tag) => {
  expect(chooseLanguage(all, readUiLocales(wish))?.tag).toBe(tag)
})

test.each([
  ['he,en;q=0.5', ['he', 'en']],
  ['en;q=0.2, he;q=0.9 ,fr', ['fr', 'he', 'en']],
  ['he;q=0, en', ['en']],
  ['*, he;q=x, pt-BR; q=0.1', ['pt-BR']],
  ['', []],
  [';;,,q=1', []],
])('Accept-Language %j wishes for %j (RFC 9110 §12.5.4)', (header, tags) => {
  expect(readAcceptLanguage(header)).toEqual(tags)
})
