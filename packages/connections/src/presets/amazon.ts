import type { Preset } from '../preset.ts'

/** https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html. It does not say whether an address was confirmed. */
export const amazon: Preset = {
  title: 'Amazon',
  endpoints: {
    authorization: 'https://www.amazon.com/ap/oa',
    token: 'https://api.amazon.com/auth/o2/token',
    userinfo: 'https://api.amazon.com/user/profile',
    token_check: 'https://api.amazon.com/auth/o2/tokeninfo',
  },
  scopes: ['profile'],
  person: ({ userinfo }) => ({ subject: userinfo.user_id, email: userinfo.email, name: userinfo.name }),
  quirks: {
    authenticates: 'post',
    tokenCheck: {
      request: ({ endpoint, token }) => ({ url: `${endpoint}?${new URLSearchParams({ access_token: token })}` }),
      clientOf: answer => answer.aud,
    },
  },
}
