import { type Preset, within } from '../preset.ts'

/** https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code. It cannot tell for whom an access token was made. */
export const x: Preset = {
  title: 'X',
  endpoints: {
    authorization: 'https://x.com/i/oauth2/authorize',
    token: 'https://api.x.com/2/oauth2/token',
    userinfo: 'https://api.x.com/2/users/me?user.fields=confirmed_email,profile_image_url,url',
  },
  scopes: ['users.read', 'tweet.read', 'users.email'],
  person: ({ userinfo }) => {
    const user = within(userinfo, 'data')
    return {
      subject: user.id,
      email: user.confirmed_email,
      // The member holds confirmed addresses alone.
      emailVerified: typeof user.confirmed_email === 'string',
      name: user.name,
      preferredUsername: user.username,
      pictureUrl: user.profile_image_url,
      websiteUrl: user.url,
    }
  },
}
