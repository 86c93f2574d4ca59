import { standardPerson } from '../person.ts'
import { type Preset, within } from '../preset.ts'

/** https://developer.apple.com/documentation/signinwithapple */
export const apple: Preset = {
  title: 'Apple',
  issuer: 'https://appleid.apple.com',
  scopes: ['name', 'email'],
  parameters: { response_mode: 'form_post' },
  person: ({ claims, carried }) => {
    // The name comes once, with the first sign-in, and beside the ID token.
    const { firstName, lastName } = within(carried, 'name')
    const names = [firstName, lastName].filter(one => typeof one === 'string' && one !== '')
    return {
      ...standardPerson(claims),
      name: names.length > 0 ? names.join(' ') : undefined,
      givenName: firstName,
      familyName: lastName,
    }
  },
  quirks: { authenticates: 'apple', withoutPkce: true, withoutUserinfo: true, formPost: true, notices: 'apple' },
}
