import { standardPerson } from '../person.ts'
import type { Preset } from '../preset.ts'

/** https://docs.slack.dev/authentication/sign-in-with-slack */
export const slack: Preset = {
  title: 'Slack',
  issuer: 'https://slack.com',
  scopes: ['openid', 'profile', 'email'],
  person: ({ claims, userinfo }) => standardPerson({ ...claims, ...userinfo }),
  quirks: { authenticates: 'post', withoutPkce: true },
}
