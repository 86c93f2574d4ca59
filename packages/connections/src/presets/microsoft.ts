import { standardPerson } from '../person.ts'
import type { Preset } from '../preset.ts'

/**
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc. `tenant`: `common` (default), `organizations`, `consumers`, or one's own. Whoever runs
 * a tenant writes the address of its users: it is never taken as verified.
 */
export const microsoft: Preset = {
  title: 'Microsoft',
  issuer: ({ tenant }) => `https://login.microsoftonline.com/${tenant}/v2.0`,
  scopes: ['openid', 'profile', 'email'],
  person: ({ claims }) => standardPerson(claims),
  quirks: {
    authenticates: 'post',
    withoutUserinfo: true,
    asksAgain: true,
    withoutAuthTime: true,
    emailIsHearsay: true,
  },
}
