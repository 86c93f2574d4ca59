import { type Preset, within } from '../preset.ts'

/** https://discord.com/developers/docs/topics/oauth2 */
export const discord: Preset = {
  title: 'Discord',
  endpoints: {
    authorization: 'https://discord.com/oauth2/authorize',
    token: 'https://discord.com/api/oauth2/token',
    userinfo: 'https://discord.com/api/users/@me',
    token_check: 'https://discord.com/api/oauth2/@me',
  },
  scopes: ['identify', 'email'],
  person: ({ userinfo }) => ({
    subject: userinfo.id,
    email: userinfo.email,
    emailVerified: userinfo.verified,
    name: userinfo.global_name ?? userinfo.username,
    preferredUsername: userinfo.username,
    pictureUrl:
      typeof userinfo.avatar === 'string'
        ? `https://cdn.discordapp.com/avatars/${userinfo.id}/${userinfo.avatar}.png`
        : undefined,
    locale: userinfo.locale,
  }),
  quirks: {
    tokenCheck: {
      request: ({ endpoint, token }) => ({ url: endpoint, headers: { authorization: `Bearer ${token}` } }),
      clientOf: answer => within(answer, 'application').id,
    },
  },
}
