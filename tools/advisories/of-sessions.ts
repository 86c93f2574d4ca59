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
    ids: ['CVE-2026-8922'],
    whose: 'Keycloak',
    flaw: 'Of two “not before” limits, the one of the client hid the one of the realm: revoked tokens were active.',
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
    ids: ['CVE-2026-47203', 'CVE-2025-24806'],
    whose: 'Authelia',
    flaw: 'Failed logins were counted by spelling, so each spelling had tries of its own.',
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
    ids: ['CVE-2022-25896'],
    whose: 'Passport',
    flaw: 'The session from before the login went on after it, so that it could be planted.',
  },
]
