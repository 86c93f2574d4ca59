import { expect, test } from 'vitest'
import { createLanguages, type LanguagesOptions } from './languages.ts'
import { fillText, type Sentence } from './sentence.ts'

test('a language can be added by its texts; what they leave out is English, and told', () => {
  const { all, unfinished, byTag } = createLanguages({
    written: [
      { language: 'fr', texts: { signIn: { title: 'Connexion', toContinue: 'pour continuer vers {application}' } } },
    ],
  })
  expect(all.map(({ tag }) => tag)).toContain('fr')
  const french = byTag('fr')
  expect(french).toMatchObject({ name: 'français', direction: 'ltr' })
  expect(french?.texts.signIn.title).toBe('Connexion')
  expect(fillText(french?.texts.signIn.toContinue as Sentence<'application'>, { application: 'X' })).toBe(
    'pour continuer vers X',
  )
  expect(french?.texts.signIn.submit).toBe('Sign in')
  expect(unfinished.map(({ tag }) => tag)).toEqual(['fr'])
  expect(unfinished[0]?.missing).toContain('signIn.submit')
  expect(unfinished[0]?.missing).not.toContain('signIn.title')
})

test('single words of a language that there is can be changed, and nothing is told of the others', () => {
  const { first, unfinished } = createLanguages({
    written: [{ language: 'en-GB', name: 'British', texts: { signIn: { title: 'Log in' } } }],
  })
  expect([first.name, first.texts.signIn.title, first.texts.signIn.submit]).toEqual(['British', 'Log in', 'Sign in'])
  expect(unfinished).toEqual([])
})

test('the operator says which languages are offered, and which comes first', () => {
  const written = [{ language: 'fr' }, { language: 'fa' }]
  const { all, first } = createLanguages({ written, offered: ['fa', 'en-gb'] })
  expect(all.map(({ tag, direction }) => [tag, direction])).toEqual([
    ['fa', 'rtl'],
    ['en-GB', 'ltr'],
  ])
  expect(first.tag).toBe('fa')
})

const wrong: readonly (readonly [options: LanguagesOptions, says: string])[] = [
  [{ written: [{ language: 'f' }] }, "'f' is no language tag (BCP 47)"],
  [{ written: [{ language: 'fr' }, { language: 'FR' }] }, "The language 'fr' is written twice."],
  [
    { written: [{ language: 'fr', texts: { signin: { title: 'x' } } }] },
    "Language 'fr': There is no message 'signin'.",
  ],
  [{ written: [{ language: 'fr', texts: { signIn: { titel: 'x' } } }] }, "There is no message 'signIn.titel'."],
  [{ written: [{ language: 'fr', texts: { signIn: 'x' } }] }, "'signIn' is not one message, but several."],
  [{ written: [{ language: 'fr', texts: { signIn: { title: '' } } }] }, "The message 'signIn.title' must be a text."],
  [{ written: [{ language: 'fr', texts: { signIn: { title: { a: 'x' } } } }] }, 'must be a text'],
  [
    { written: [{ language: 'fr', texts: { signIn: { toContinue: 'vers {app}' } } }] },
    "'signIn.toContinue' has {app}, and must have {application}",
  ],
  [{ written: [{ language: 'fr', texts: { signIn: { title: 'Vers {x' } } }] }, 'belongs to no hole'],
  [{ offered: ['eo'] }, "There is no language 'eo'. There are en-GB"],
  [{ offered: [] }, 'At least one language must be offered.'],
]

test.each(wrong)('%j is refused, and the message says what is wrong', (options, says) => {
  expect(() => createLanguages(options)).toThrow(says)
})

test('all that is wrong is said at once, each with the file where it stands', () => {
  const written = [
    { language: 'fr', source: '/etc/fr.json', texts: { signIn: { title: '', titel: 'x' } } },
    { language: 'f', source: '/etc/f.json' },
    { language: 'eo', texts: { signIn: { toContinue: 'al {app}' } } },
  ]
  expect(() => createLanguages({ written, offered: ['fr', 'fa', 'de'] })).toThrow(
    expect.objectContaining({
      faults: [
        expect.stringMatching("^/etc/f.json: 'f' is no language tag"),
        "/etc/fr.json: There is no message 'signIn.titel'.",
        "/etc/fr.json: The message 'signIn.title' must be a text.",
        expect.stringMatching("^Language 'eo': The message 'signIn.toContinue' has {app}"),
        expect.stringMatching("^There is no language 'fa'"),
        expect.stringMatching("^There is no language 'de'"),
      ],
    }),
  )
})

test('a text that names what every object has is no message', () => {
  const texts = JSON.parse('{"__proto__":{"title":"x"},"signIn":{"constructor":"x"}}')
  expect(() => createLanguages({ written: [{ language: 'fr', texts }] })).toThrow('There is no message')
})
