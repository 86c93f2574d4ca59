import type { Advisory } from './advisory.ts'

/** Codes, refresh tokens, devices, client authentication. */
export const advisoriesOfGrants: readonly Advisory[] = [
  {
    ids: ['CVE-2026-47386', 'GHSA-7w99-5wm4-3g79'],
    also: ['CVE-2026-53518'],
    whose: 'NocoDB, Better Auth',
    flaw: 'A code redeemed by several at once gave tokens to each: find first, delete later.',
  },
  {
    ids: ['CVE-2026-1035', 'GHSA-392p-2q2v-4372'],
    also: ['CVE-2026-53517'],
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
    also: ['GHSA-jhm7-29pj-4xvf'],
    whose: 'node-oauth2-server',
    flaw: 'Short verifiers were accepted and a wrong one did not spend the code, so it could be guessed.',
  },
  {
    ids: ['GHSA-pw9m-5jxm-xr6h'],
    also: ['CVE-2026-53512'],
    whose: 'Better Auth',
    flaw: 'A confidential client could refresh without its secret.',
  },
  {
    ids: ['GHSA-p2fr-6hmx-4528'],
    also: ['CVE-2026-67332'],
    whose: 'Better Auth',
    flaw: 'The token’s audience was not bound to the grant: a client could ask for any resource.',
  },
  {
    ids: ['GHSA-3p3g-vpw6-4w66', 'CVE-2020-15222', 'CVE-2026-90997'],
    also: ['CVE-2020-5300', 'GHSA-v3q9-2p3m-7g43'],
    whose: 'Ory Hydra, Fosite, Keycloak',
    flaw: 'The same client assertion could be used again and again: its `jti` was not looked at, or the database’s count of changed rows was misread.',
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
  {
    ids: ['CVE-2026-55672', 'CVE-2026-16089'],
    whose: 'ZITADEL, Keycloak',
    flaw: 'Codes and refresh tokens were not bound to their client: another could redeem them.',
  },
  {
    ids: ['CVE-2026-118669'],
    whose: 'OAuthLib',
    flaw: 'Authenticated as one client, one acted as the other whose `client_id` was in the form.',
  },
  {
    ids: ['CVE-2026-16093'],
    whose: 'Keycloak',
    flaw: 'A client that must sign came through with its secret beside an unsigned assertion.',
  },
  {
    ids: ['CVE-2026-4282'],
    whose: 'Keycloak',
    flaw: 'Everything that is used once lay in one store without kinds: one thing could be presented as another.',
  },
  {
    ids: ['CVE-2026-96446'],
    whose: 'Keycloak',
    flaw: 'With `prompt=none` a pushed request could be used again.',
  },
  {
    ids: ['CVE-2026-43983', 'CVE-2023-22492'],
    whose: 'Pocket ID, ZITADEL',
    flaw: 'Refresh tokens went on after the user had withdrawn the permission, or was locked or disabled.',
  },
  {
    ids: ['CVE-2026-88770'],
    whose: 'Keycloak',
    flaw: 'A device got tokens of a user who may not sign in any more, since only the browser had been judged.',
  },
  {
    ids: ['CVE-2024-52287', 'CVE-2026-62662'],
    whose: 'authentik, Pocket ID',
    flaw: 'With client credentials or a device code one got scopes, or APIs, that the client does not have.',
  },
  {
    ids: ['CVE-2025-64521', 'CVE-2024-47000'],
    whose: 'authentik, ZITADEL',
    flaw: 'A machine that had been switched off still authenticated.',
  },
  {
    ids: ['CVE-2024-46999'],
    whose: 'ZITADEL',
    flaw: 'A permission that had been withdrawn was still in the tokens.',
  },
  {
    ids: ['CVE-2026-96460'],
    whose: 'Keycloak',
    flaw: 'Exchanged again and again, a token lived for ever.',
  },
  {
    ids: ['CVE-2026-9097'],
    whose: 'Casdoor',
    flaw: 'A revoked token could be exchanged for a fresh one.',
  },
  {
    ids: ['CVE-2026-9704'],
    whose: 'Keycloak',
    flaw: 'A token exchange whose `subject_token` got lost was answered as something else.',
  },
  {
    ids: ['CVE-2026-1609'],
    whose: 'Keycloak',
    flaw: 'A grant without the user being there gave tokens for disabled users.',
  },
  {
    ids: ['CVE-2026-37979'],
    whose: 'Keycloak',
    flaw: 'Any client with a secret learnt by introspection what a token for another API says.',
  },
  {
    ids: ['CVE-2020-15223'],
    also: ['GHSA-7mqr-2v3q-v2wm'],
    whose: 'Ory Fosite',
    flaw: 'An error of the store at the revocation was answered 200, and the token lived.',
  },
  {
    ids: ['CVE-2026-9792'],
    whose: 'Keycloak',
    flaw: 'The password grant was open though a policy closed it.',
  },
  {
    ids: ['CVE-2017-18924'],
    also: ['GHSA-2fw4-mgq9-39cx'],
    whose: 'node-oauth2-server',
    flaw: 'There was no PKCE, so a stolen code could be injected.',
  },
  {
    ids: ['CVE-2025-4144'],
    also: ['GHSA-qgp8-v765-qxx9'],
    whose: 'Cloudflare workers-oauth-provider',
    flaw: 'PKCE could be taken out of the request.',
  },
  {
    ids: ['CVE-2024-38371'],
    whose: 'authentik',
    flaw: 'With a device code, nobody asked whether this user may use this application.',
    without: 'There are no applications here that some users may use and others may not',
  },
  {
    ids: ['CVE-2026-9798', 'CVE-2026-16103'],
    whose: 'Keycloak',
    flaw: 'Backchannel authentication (CIBA) gave tokens for accounts that are locked.',
    without: 'There is no CIBA here, and wrong passwords lock no account',
  },
  {
    ids: ['CVE-2026-79652', 'CVE-2026-1486'],
    whose: 'Keycloak',
    flaw: 'The JWT bearer grant asked neither for consent nor whether the issuer is still trusted.',
    without: 'Later: the JWT bearer grant is not built',
  },
  {
    ids: ['GHSA-7qjx-gp9h-65qj'],
    whose: 'Dex',
    flaw: 'Token exchange let in users of connectors that the client may not use.',
    without:
      'Tokens of others are not exchanged; who signs in by a connection is judged by the connection, whichever client they come from',
  },
  {
    ids: ['GHSA-895x-rfqp-jh5c'],
    whose: 'Keycloak',
    flaw: 'Offline sessions went on after their client had lost the scope `offline_access`.',
  },
  {
    ids: ['CVE-2026-17526'],
    whose: 'Keycloak',
    flaw: 'With the right to act as users one could act as the administrator, and had all rights.',
  },
]
