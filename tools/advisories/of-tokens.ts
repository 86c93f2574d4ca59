import type { Advisory } from './advisory.ts'

/** Verifying tokens: keys, algorithms, claims, proofs. */
export const advisoriesOfTokens: readonly Advisory[] = [
  {
    ids: ['CVE-2023-48223', 'CVE-2026-34950', 'GHSA-ww5h-9m49-7xx4', 'GHSA-g3jj-5cmm-3hxx', 'CVE-2026-48526'],
    also: ['CVE-2026-107722'],
    whose: 'fast-jwt, PyJWT',
    flaw: 'A public key, if need be behind white space, junk or as a JWK, was taken for an HS256 secret: everybody could sign.',
  },
  {
    ids: ['GHSA-8wpc-h4q6-8fxv', 'GHSA-gmvf-9v4p-v8jc'],
    also: ['CVE-2026-107720', 'CVE-2026-44351'],
    whose: 'fast-jwt',
    flaw: 'With an empty or null key no signature was checked, or one under the empty secret was good.',
  },
  {
    ids: ['CVE-2022-23540'],
    whose: 'jsonwebtoken',
    flaw: 'Without a list of algorithms and with a falsy key, `none` was accepted.',
  },
  {
    ids: ['CVE-2022-23539', 'CVE-2022-23541'],
    whose: 'jsonwebtoken',
    flaw: 'Keys of the wrong type for the algorithm verified; an RSA key could be used for HMAC.',
  },
  {
    ids: ['CVE-2026-22817', 'CVE-2026-22818'],
    whose: 'Hono',
    flaw: 'A key of the JWKS without `alg` was used with the algorithm that the token’s header named.',
  },
  {
    ids: ['CVE-2026-32597', 'CVE-2025-59420', 'CVE-2026-35042'],
    whose: 'PyJWT, Authlib, fast-jwt',
    flaw: 'A token with an unknown critical header parameter (`crit`) was accepted.',
  },
  {
    ids: ['CVE-2026-35039'],
    whose: 'fast-jwt',
    flaw: 'Two tokens shared a key of the cache: one got the claims of the other.',
  },
  {
    ids: ['CVE-2026-35041', 'CVE-2026-35040'],
    whose: 'fast-jwt',
    flaw: 'A regular expression as allowed audience ran over what the attacker wrote, for ever; one with a state refused every second good token.',
  },
  {
    ids: ['CVE-2025-30144', 'CVE-2024-53861'],
    whose: 'fast-jwt, PyJWT',
    flaw: '`iss` as a list with the right issuer in it, or a part of the right issuer, passed.',
  },
  {
    ids: ['CVE-2026-55669', 'GHSA-wxg7-w2v3-w38g', 'CVE-2024-47077'],
    whose: 'ZITADEL, authentik',
    flaw: 'A token for somebody else (`aud`), or without `exp` and `iat`, was accepted: one application could use at others what it was given.',
  },
  {
    ids: ['CVE-2026-27840'],
    whose: 'ZITADEL',
    flaw: 'An opaque token of which the end had been cut off was still good.',
  },
  {
    ids: ['GHSA-869p-cjfg-cm3x'],
    whose: 'node-jws',
    flaw: 'The secret was looked up by what the unverified token said, and a forged HMAC signature passed.',
  },
  {
    ids: ['CVE-2024-28176', 'CVE-2022-36083', 'CVE-2025-30204'],
    whose: 'jose, golang-jwt',
    flaw: 'A small token cost much: compressed content, a huge iteration count, or a million dots.',
  },
  {
    ids: ['CVE-2025-31123'],
    whose: 'ZITADEL',
    flaw: 'Keys that had expired still verified.',
  },
  {
    ids: ['CVE-2022-21449'],
    whose: 'Java',
    flaw: 'An ECDSA signature of zeros was valid for everything.',
  },
  {
    ids: ['CVE-2015-7940'],
    whose: 'Bouncy Castle',
    flaw: 'Points that are not on the curve were accepted as keys.',
  },
  {
    ids: ['CVE-2024-49755'],
    whose: 'Duende IdentityServer',
    flaw: 'A token bound to a key was accepted at local APIs without proof of the key.',
  },
  {
    ids: ['CVE-2026-107723'],
    whose: 'fast-jwt',
    flaw: 'A payload that is a list was accepted: it has no claims, so none was checked.',
  },
  {
    ids: ['CVE-2024-51744'],
    whose: 'golang-jwt',
    flaw: 'A token with several faults was called expired, and callers who forgive that took forged ones.',
  },
  {
    ids: ['CVE-2026-54431'],
    whose: 'liboauth2',
    flaw: 'A DPoP proof that shows its private key was accepted.',
  },
  {
    ids: ['GHSA-qvp4-rpmr-xwrr'],
    also: ['CVE-2021-32701'],
    whose: 'Ory Oathkeeper',
    flaw: 'The kept answer of an introspection was good for every endpoint, whatever scope it asks for.',
  },
  {
    ids: ['CVE-2026-11800'],
    whose: 'Keycloak',
    flaw: 'An assertion under HS256 passed with what is public as secret.',
  },
  {
    ids: ['CVE-2025-54576', 'CVE-2026-41059', 'CVE-2026-33494', 'CVE-2026-74909'],
    whose: 'OAuth2 Proxy, Ory Oathkeeper, Keycloak',
    flaw: 'A path that needs a token passed as one that needs none: by query, fragment, dots, or an encoded semicolon.',
  },
  {
    ids: ['CVE-2026-25748'],
    whose: 'authentik',
    flaw: 'A broken cookie was answered like no need to sign in.',
  },
  {
    ids: ['CVE-2023-48309'],
    whose: 'NextAuth.js',
    flaw: 'A token made for a step of the sign-in was good as a session.',
  },
  {
    ids: ['CVE-2026-68481'],
    whose: 'Apache CXF',
    flaw: 'Revoked tokens were active at the introspection.',
  },
  {
    ids: ['CVE-2026-33496'],
    whose: 'Ory Oathkeeper',
    flaw: 'Answers of two introspection servers shared a cache.',
    without: 'A verifier has one issuer and a cache of its own',
  },
]
