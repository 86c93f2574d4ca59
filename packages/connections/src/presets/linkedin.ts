import { standardPerson } from '../person.ts'
import { type Preset, within } from '../preset.ts'

/** https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2 */
export const linkedin: Preset = {
  title: 'LinkedIn',
  issuer: 'https://www.linkedin.com/oauth',
  scopes: ['openid', 'profile', 'email'],
  person: ({ claims, userinfo }) => {
    const told = { ...claims, ...userinfo }
    const { language, country } = within(told, 'locale')
    const locale = typeof language === 'string' ? [language, country].filter(Boolean).join('-') : told.locale
    return standardPerson({ ...told, locale })
  },
  quirks: { authenticates: 'post', withoutPkce: true, withoutNonce: true },
}
