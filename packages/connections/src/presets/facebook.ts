import { type Preset, within } from '../preset.ts'

/** https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow */
export const facebook: Preset = {
  title: 'Facebook',
  endpoints: {
    authorization: 'https://www.facebook.com/v23.0/dialog/oauth',
    token: 'https://graph.facebook.com/v23.0/oauth/access_token',
    userinfo:
      'https://graph.facebook.com/v23.0/me?fields=id,name,first_name,middle_name,last_name,email,picture.width(256)',
    token_check: 'https://graph.facebook.com/v23.0/debug_token',
  },
  scopes: ['public_profile', 'email'],
  person: ({ userinfo }) => ({
    subject: userinfo.id,
    // It does not say whether the address was ever confirmed.
    email: userinfo.email,
    name: userinfo.name,
    givenName: userinfo.first_name,
    middleName: userinfo.middle_name,
    familyName: userinfo.last_name,
    pictureUrl: within(within(userinfo, 'picture'), 'data').url,
  }),
  quirks: {
    authenticates: 'post',
    withoutPkce: true,
    scopeSeparator: ',',
    provesSecret: 'facebook',
    notices: 'facebook',
    tokenCheck: {
      request: ({ endpoint, token, client }) => ({
        url: `${endpoint}?${new URLSearchParams({ input_token: token, access_token: `${client.id}|${client.secret}` })}`,
      }),
      clientOf: answer => {
        const { app_id, is_valid } = within(answer, 'data')
        return is_valid === true ? app_id : undefined
      },
    },
  },
}
