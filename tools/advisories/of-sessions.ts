import type { Advisory } from './advisory.ts'

/** Users, sign-in, sessions, revocation. */
export const advisoriesOfSessions: readonly Advisory[] = [
  {
    ids: ['CVE-2026-22706'],
    whose: 'Strapi',
    flaw: 'A new password left the refresh tokens of other devices alive.',
  },
  {
    ids: ['GHSA-2vg6-77g8-24mp'],
    whose: 'Better Auth',
    flaw: 'Sessions in the cache outlived the deletion of their user.',
  },
  {
    ids: ['CVE-2026-8922', 'CVE-2026-18218'],
    whose: 'Keycloak',
    flaw: 'Of two “not before” limits, of the client and of the realm, one hid the other: revoked tokens were active.',
  },
  {
    ids: ['CVE-2025-46815'],
    whose: 'ZITADEL',
    flaw: 'What proved one sign-in could be used for another one.',
  },
  {
    ids: ['GHSA-7rqj-j65f-68wh'],
    whose: 'Auth.js',
    flaw: 'An address was checked before its letters were normalised: a full-width @ got past.',
  },
  {
    ids: ['CVE-2026-47203', 'CVE-2025-24806', 'CVE-2026-15617'],
    whose: 'Authelia, Logto',
    flaw: 'Names that mean one account were told apart by spelling: each had tries of its own, or a user of its own.',
  },
  {
    ids: ['GHSA-xmf8-cvqr-rfgj'],
    whose: 'Auth.js',
    flaw: 'A malformed `Authorization` header threw an exception that nobody caught.',
  },
  {
    ids: ['GHSA-8fpg-xm3f-6cx3'],
    whose: 'Auth.js',
    flaw: 'An error of the configuration looked like a user who is signed in: open, not closed.',
  },
  {
    ids: ['CVE-2025-48947', 'CVE-2025-64762'],
    whose: 'Auth0 Next.js SDK, WorkOS AuthKit',
    flaw: 'Answers with session cookies could be stored by a cache, and be given to others.',
  },
  {
    ids: ['CVE-2022-25896', 'CVE-2026-7507', 'CVE-2024-28197'],
    whose: 'Passport, Keycloak, ZITADEL',
    flaw: 'The session from before the login went on after it, so that it could be planted.',
  },
  {
    ids: ['CVE-2025-12390'],
    whose: 'Keycloak',
    flaw: 'Two users of one browser: the second got tokens of the first, whose session id was used again.',
  },
  {
    ids: ['CVE-2025-29928', 'CVE-2026-134321'],
    whose: 'authentik, Better Auth',
    flaw: 'A session that had been ended went on: another storage, or a cache, still had it.',
  },
  {
    ids: ['CVE-2024-47070', 'CVE-2023-36456'],
    whose: 'authentik',
    flaw: 'An `X-Forwarded-For` that is no address skipped the password; whoever sent one was believed.',
  },
  {
    ids: ['GHSA-p6v2-xcpg-h6xw'],
    whose: 'Better Auth',
    flaw: 'Each of the 2⁶⁴ addresses of one IPv6 customer had tries of its own.',
  },
  {
    ids: ['CVE-2024-41952', 'CVE-2026-23511'],
    whose: 'ZITADEL',
    flaw: 'The sign-in told who has an account.',
  },
  {
    ids: ['CVE-2026-40574', 'CVE-2022-35924'],
    whose: 'OAuth2 Proxy, NextAuth.js',
    flaw: 'An address with two @, or a list of addresses, was taken for one.',
  },
  {
    ids: ['CVE-2025-27143', 'CVE-2025-71403'],
    whose: 'Better Auth',
    flaw: 'The address to return to after the sign-in could be anywhere: `//evil`, or a look-alike.',
  },
  {
    ids: ['CVE-2025-67495'],
    whose: 'ZITADEL',
    flaw: 'The address to go to after signing out was not checked, and scripts ran.',
  },
  {
    ids: ['CVE-2022-31186'],
    whose: 'NextAuth.js',
    flaw: 'Errors wrote secrets into the log.',
  },
  {
    ids: ['CVE-2025-48370'],
    whose: 'Supabase auth-js',
    flaw: 'An id with `../` in it called another endpoint with the rights of the back end.',
  },
  {
    ids: ['CVE-2025-26620'],
    whose: 'Duende.AccessTokenManagement',
    flaw: 'Calls at the same time with other parameters shared one token.',
  },
  {
    ids: ['CVE-2024-32868', 'CVE-2025-64102', 'CVE-2025-64103'],
    whose: 'ZITADEL',
    flaw: 'Second factors could be guessed, or left out.',
    without: 'Later: second factors are not built',
  },
  {
    ids: ['CVE-2026-134315', 'CVE-2026-115770'],
    whose: 'Better Auth, Pocket ID',
    flaw: 'A link for one address, or one user, was good for another after a change.',
  },
  {
    ids: ['CVE-2022-23555', 'CVE-2025-64708'],
    whose: 'authentik',
    flaw: 'Invitations were used again, for another flow, or after their end.',
  },
  {
    ids: ['CVE-2023-46249'],
    whose: 'authentik',
    flaw: 'Whoever came first set the password of the administrator who had been deleted.',
    without: 'There is no administrator by name: operators use the command line, back ends their rights',
  },
  {
    ids: ['CVE-2024-32967'],
    whose: 'ZITADEL',
    flaw: 'An error told the database’s user and host.',
  },
  {
    ids: ['CVE-2025-67717'],
    whose: 'ZITADEL',
    flaw: 'A list told how many users there are in all.',
    without: 'Users are not listed to anybody',
  },
  {
    ids: ['CVE-2026-123799'],
    whose: 'SuperTokens',
    flaw: 'Sessions of the dashboard were good for ever: nobody looked at their end.',
  },
  {
    ids: ['CVE-2026-134314'],
    whose: 'Better Auth',
    flaw: 'Guesses sent at the same time were counted as few; addresses that differ in an accent were one.',
  },
  {
    ids: ['GHSA-hp74-gm6m-2qm5'],
    whose: 'Pocket ID',
    flaw: 'A weaker way to sign in counted as the stronger one that was asked for again.',
  },
  {
    ids: ['CVE-2026-134313'],
    whose: 'Better Auth',
    flaw: 'A database’s “last id” was another connection’s: users got each other’s sessions.',
    without: 'Ids are random and made before the row is written',
  },
  {
    ids: ['CVE-2026-134311', 'CVE-2026-134322'],
    whose: 'Better Auth',
    flaw: 'Telephone numbers that nobody has verified chose the account.',
    without: 'Nobody signs in by telephone',
  },
  {
    ids: [
      'CVE-2026-25922',
      'CVE-2026-40165',
      'CVE-2026-41577',
      'CVE-2026-47201',
      'CVE-2026-57580',
      'GHSA-cqj8-fxxf-9pg7',
      'CVE-2026-2603',
      'CVE-2024-7341',
    ],
    whose: 'authentik, Keycloak',
    flaw: 'SAML: assertions wrapped, cut by a comment, replayed, for others; disabled providers; sessions planted.',
    without: 'There is no SAML here',
  },
  {
    ids: ['CVE-2026-123797', 'CVE-2026-123800', 'CVE-2025-64431'],
    whose: 'SuperTokens, ZITADEL',
    flaw: 'One tenant could read or change another.',
    without: 'A server has one tenant',
  },
]
