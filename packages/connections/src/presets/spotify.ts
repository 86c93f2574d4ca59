import { type Claims, type Preset, within } from '../preset.ts'

/** https://developer.spotify.com/documentation/web-api/tutorials/code-flow. It does not say whether an address was confirmed, nor for whom a token was made. */
export const spotify: Preset = {
  title: 'Spotify',
  endpoints: {
    authorization: 'https://accounts.spotify.com/authorize',
    token: 'https://accounts.spotify.com/api/token',
    userinfo: 'https://api.spotify.com/v1/me',
  },
  scopes: ['user-read-email'],
  person: ({ userinfo }) => ({
    subject: userinfo.id,
    email: userinfo.email,
    name: userinfo.display_name,
    profileUrl: within(userinfo, 'external_urls').spotify,
    pictureUrl: Array.isArray(userinfo.images) ? (userinfo.images as Claims[])[0]?.url : undefined,
  }),
}
