import { standardPerson } from '../person.ts'
import type { Preset } from '../preset.ts'

/** https://docs.gitlab.com/integration/openid_connect_provider. One's own: set `issuer`. */
export const gitlab: Preset = {
  title: 'GitLab',
  issuer: 'https://gitlab.com',
  scopes: ['openid', 'profile', 'email'],
  person: ({ claims, userinfo }) => standardPerson({ ...claims, ...userinfo }),
}
