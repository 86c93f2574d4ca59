import { expect, test } from 'vitest'
import { describeDevice } from './describe-device.ts'
import { createLanguages } from './language/languages.ts'

test('a device is written in the direction of its language, though what comes first in it is a name in other letters', () => {
  for (const language of createLanguages().all) {
    // What is set apart from a sentence takes the direction of its first strong letter or mark (Unicode UAX #9).
    const first = /[\p{L}\u200e\u200f]/u.exec(describeDevice(language, 'Firefox on Linux'))?.[0] ?? ''
    expect([language.tag, /[\p{Script=Arabic}\p{Script=Hebrew}\u200f]/u.test(first)]).toEqual([
      language.tag,
      language.direction === 'rtl',
    ])
  }
})
