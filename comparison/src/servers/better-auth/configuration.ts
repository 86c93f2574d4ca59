import type { DatabaseSync } from 'node:sqlite'
import { oauthProvider } from '@better-auth/oauth-provider'
import type { BetterAuthOptions, BetterAuthPlugin } from 'better-auth'
import { jwt } from 'better-auth/plugins'

export const redirectUri = 'https://app.example/callback'

/**
 * better-auth with its OAuth provider, as its documentation has it: the JWT plugin beside it and its `/token` closed, prefixes as
 * advised before the first deployment, tokens hashed (its default). `reuseSeconds` is 0 by default; 30 is what the
 * documentation shows for clients that repeat requests. The hash of passwords is none of what is compared, and cheap here.
 */
export function optionsOf(database: DatabaseSync, baseUrl: string, reuseSeconds: number): BetterAuthOptions {
  return {
    baseURL: baseUrl,
    secret: 'a secret of more than thirty-two characters, for one run',
    database,
    disabledPaths: ['/token'],
    emailAndPassword: {
      enabled: true,
      password: { hash: async password => password, verify: async ({ hash, password }) => hash === password },
    },
    telemetry: { enabled: false },
    plugins: [
      jwt(),
      oauthProvider({
        loginPage: '/sign-in',
        consentPage: '/consent',
        accessTokenExpiresIn: 900,
        refreshTokenReuseInterval: reuseSeconds,
        prefix: { refreshToken: 'ba_rt_', opaqueAccessToken: 'ba_at_' },
        // Its types are stricter than their own interface.
      }) as unknown as BetterAuthPlugin,
    ],
  }
}
