import { expect, test } from 'vitest'
import { html, htmlText } from '../html.ts'
import { fill, fillText, holesOf, listOf, readSentence } from './sentence.ts'

test('what is put into a sentence is escaped, and set apart from it whichever way it is written', () => {
  const sentence = readSentence('to continue to {application}')
  expect(htmlText(fill(sentence, { application: '<b>Orchard' }))).toBe('to continue to <bdi>&lt;b&gt;Orchard</bdi>')
  expect(htmlText(fill(sentence, { application: html`<i>Orchard</i>` }))).toBe('to continue to <i>Orchard</i>')
  expect(htmlText(fill(readSentence('{a} before {b}, {a}'), { a: 1, b: 2 }))).toBe('1 before 2, 1')
})

test('in a title, what could turn the writing around is isolated by characters, and cannot end that itself', () => {
  const sentence = readSentence('Allow {application}?')
  expect(fillText(sentence, { application: 'Orchard' })).toBe('Allow Orchard?')
  expect(fillText(sentence, { application: 'בוסתן' })).toBe('Allow \u2068בוסתן\u2069?')
  expect(fillText(sentence, { application: 'a\u2069\u202eb' })).toBe('Allow \u2068ab\u2069?')
  expect(fillText(readSentence('السماح لتطبيق {application}؟'), { application: 'Orchard' })).toContain(
    '\u2068Orchard\u2069',
  )
})

test('a brace that is no hole is a mistake in the text', () => {
  for (const text of ['a {', 'a }', '{}', '{a b}', '{{a}}', '{a']) {
    expect(() => readSentence(text), text).toThrow(TypeError)
  }
  expect(holesOf(readSentence('{b} and {a}, {b}'))).toEqual(['a', 'b'])
})

test('lists are joined as the language does it', () => {
  const items = ['A', 'B', 'C'].map(text => html`<i>${text}</i>`)
  expect(htmlText(listOf('en-GB', items))).toBe('<i>A</i>, <i>B</i> and <i>C</i>')
  expect(htmlText(listOf('en-GB', items, 'unit'))).toBe('<i>A</i>, <i>B</i>, <i>C</i>')
  expect(htmlText(listOf('ar', items))).toBe('<i>A</i> و<i>B</i> و<i>C</i>')
})
