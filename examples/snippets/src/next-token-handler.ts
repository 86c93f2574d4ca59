import { createTokenHandler, type TokenHandler } from '@countersign/backend/web'

let handler: TokenHandler | undefined

/** Made at the first request: `next build` loads this file too, and has none of the variables. */
export function tokenHandler(): TokenHandler {
  const { ISSUER = '', CLIENT_SECRET = '', APP_URL = '', NOTES_API = '', COOKIE_SECRET = '' } = process.env
  handler ??= createTokenHandler({
    issuer: ISSUER,
    clientId: 'notes-web',
    clientSecret: CLIENT_SECRET,
    appUrl: APP_URL,
    secrets: [COOKIE_SECRET],
    scope: 'openid email notes:read',
    proxies: { '/api': NOTES_API },
  })
  return handler
}
