import type { Advisory } from './advisory.ts'

/** Codes, refresh tokens, devices, client authentication. */
export const advisoriesOfGrants: readonly Advisory[] = [
  {
    ids: ['CVE-2026-47386', 'GHSA-7w99-5wm4-3g79'],
    whose: 'NocoDB, Better Auth',
    flaw: 'A code redeemed by several at once gave tokens to each: find first, delete later.',
  },
  {
    ids: ['CVE-2026-1035', 'GHSA-392p-2q2v-4372'],
    whose: 'Keycloak, Better Auth',
    flaw: 'A refresh token used by several at once was rotated by each, and the family forked.',
  },
  {
    ids: ['CVE-2026-9802'],
    whose: 'Keycloak',
    flaw: 'After a restart, refresh tokens that had been rotated before it were good again.',
  },
  {
    ids: ['CVE-2026-28513'],
    whose: 'Pocket ID',
    flaw: 'A code was refused only if the client was wrong and it had expired too: “and” where “or” was meant.',
  },
  {
    ids: ['CVE-2023-48228', 'CVE-2024-23647', 'CVE-2024-22258'],
    whose: 'authentik, Spring Authorization Server',
    flaw: 'PKCE could be left out: no verifier, no challenge, or a weaker method than the challenge’s.',
  },
  {
    ids: ['CVE-2026-41213'],
    whose: 'node-oauth2-server',
    flaw: 'Short verifiers were accepted and a wrong one did not spend the code, so it could be guessed.',
  },
  {
    ids: ['GHSA-pw9m-5jxm-xr6h'],
    whose: 'Better Auth',
    flaw: 'A confidential client could refresh without its secret.',
  },
  {
    ids: ['GHSA-p2fr-6hmx-4528'],
    whose: 'Better Auth',
    flaw: 'The token’s audience was not bound to the grant: a client could ask for any resource.',
  },
  {
    ids: ['GHSA-3p3g-vpw6-4w66'],
    whose: 'Ory Hydra',
    flaw: 'The same client assertion could be used again and again.',
  },
  {
    ids: ['CVE-2025-27370', 'CVE-2025-27371'],
    whose: 'OpenID Connect, RFC 7523',
    flaw: 'A client assertion with another server’s address as audience could be replayed there.',
  },
  {
    ids: ['CVE-2026-45337'],
    whose: 'Better Auth',
    flaw: 'Anybody signed in who learnt a pending device code could answer it.',
  },
]
