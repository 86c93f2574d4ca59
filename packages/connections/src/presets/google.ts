import { standardPerson } from '../person.ts'
import type { Preset } from '../preset.ts'

/** https://developers.google.com/identity/openid-connect/openid-connect */
export const google: Preset = {
  title: 'Google',
  issuer: 'https://accounts.google.com',
  endpoints: { token_check: 'https://oauth2.googleapis.com/tokeninfo' },
  scopes: ['openid', 'profile', 'email'],
  person: ({ claims, userinfo }) => standardPerson({ ...userinfo, ...claims }),
  quirks: {
    authenticates: 'post',
    withoutUserinfo: true,
    notices: 'risc',
    tokenCheck: {
      request: ({ endpoint, token }) => ({ url: `${endpoint}?${new URLSearchParams({ access_token: token })}` }),
      clientOf: answer => answer.aud,
    },
  },
}
