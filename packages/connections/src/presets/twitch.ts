import { standardPerson } from '../person.ts'
import type { Preset } from '../preset.ts'

const wanted = { email: null, email_verified: null, picture: null, preferred_username: null }

/** https://dev.twitch.tv/docs/authentication/getting-tokens-oidc */
export const twitch: Preset = {
  title: 'Twitch',
  issuer: 'https://id.twitch.tv/oauth2',
  endpoints: { token_check: 'https://id.twitch.tv/oauth2/validate' },
  scopes: ['openid', 'user:read:email'],
  parameters: { claims: JSON.stringify({ id_token: wanted, userinfo: wanted }) },
  person: ({ claims, userinfo }) => {
    const told = { ...claims, ...userinfo }
    return standardPerson({ ...told, name: told.preferred_username })
  },
  quirks: {
    authenticates: 'post',
    withoutPkce: true,
    tokenCheck: {
      request: ({ endpoint, token }) => ({ url: endpoint, headers: { authorization: `OAuth ${token}` } }),
      clientOf: answer => answer.client_id,
    },
  },
}
