import { expect, test } from 'vitest'
import { sampleRandom } from '../sample-rows.ts'
import { createPersonalSeal } from './personal-fields.ts'

const random = sampleRandom('personal fields')
const { seal, open } = createPersonalSeal(random(32), random)
const [salt, other] = [random(16), random(16)]
const personal = { ip: '192.0.2.1', device: 'Firefox on Linux' }

test('what was sealed under the salt of a user opens with that salt alone', () => {
  const sealed = seal(personal, salt) ?? ''
  expect(sealed).not.toContain('192')
  expect(open(sealed, salt)).toEqual(personal)
  expect(open(sealed, other)).toBeNull()
  expect(createPersonalSeal(random(32), random).open(sealed, salt)).toBeNull()
})

test('once the salt has been erased nothing opens, and nothing is sealed', () => {
  expect(open(seal(personal, salt) ?? '', null)).toBeNull()
  expect(seal(personal, null)).toBeNull()
})

test('what was changed, cut or made up does not open', () => {
  const sealed = seal(personal, salt) ?? ''
  for (const wrong of ['', 'rubbish', sealed.slice(0, -2), `A${sealed.slice(1)}`]) expect(open(wrong, salt)).toBeNull()
})
