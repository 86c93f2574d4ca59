import type { Claims, Preset } from '../preset.ts'

/** https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
export const github: Preset = {
  title: 'GitHub',
  endpoints: {
    authorization: 'https://github.com/login/oauth/authorize',
    token: 'https://github.com/login/oauth/access_token',
    userinfo: 'https://api.github.com/user',
    emails: 'https://api.github.com/user/emails',
    token_check: 'https://api.github.com/applications/{client_id}/token',
  },
  scopes: ['read:user', 'user:email'],
  person: ({ userinfo, emails }) => {
    // The address on the profile is whatever the user has written there; the list says which are confirmed.
    const primary = (Array.isArray(emails) ? (emails as Claims[]) : []).find(one => one.primary === true)
    return {
      subject: userinfo.id,
      email: primary?.email,
      emailVerified: primary?.verified,
      name: userinfo.name ?? userinfo.login,
      preferredUsername: userinfo.login,
      profileUrl: userinfo.html_url,
      pictureUrl: userinfo.avatar_url,
      websiteUrl: userinfo.blog,
    }
  },
  quirks: {
    authenticates: 'post',
    tokenCheck: {
      request: ({ endpoint, token, client }) => ({
        url: endpoint.replace('{client_id}', encodeURIComponent(client.id)),
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ access_token: token }),
      }),
      clientOf: answer => (answer.app as Claims | undefined)?.client_id,
    },
  },
}
