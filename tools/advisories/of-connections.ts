import type { Advisory } from './advisory.ts'

/** Signing in with others. */
export const advisoriesOfConnections: readonly Advisory[] = [
  {
    ids: ['GHSA-g38m-r43w-p2q7'],
    also: ['CVE-2026-53516'],
    whose: 'Better Auth',
    flaw: 'A provider’s verified address was linked onto a local account whose address nobody had verified.',
  },
  {
    ids: ['GHSA-qq9h-g4jm-xgf3'],
    whose: 'Better Auth',
    flaw: 'An attacker made the account first, and kept it when its owner signed in with a link.',
  },
  {
    ids: ['CVE-2026-134312', 'CVE-2026-55216', 'CVE-2026-15611'],
    whose: 'Better Auth, Logto',
    flaw: 'Addresses that the provider has not verified counted as verified, also `"false"` as text.',
  },
  {
    ids: ['CVE-2026-31813'],
    whose: 'Supabase Auth',
    flaw: 'An ID token of an attacker’s issuer was taken for Apple’s or Azure’s.',
  },
  {
    ids: ['CVE-2026-15612'],
    whose: 'Logto',
    flaw: 'Without a nonce in the ID token none was checked.',
  },
  {
    ids: ['CVE-2026-9087'],
    whose: 'Keycloak',
    flaw: 'The proof of a link was good for a second identity at the same provider.',
  },
  {
    ids: ['GHSA-x445-f3h2-j279'],
    also: ['CVE-2026-73419'],
    whose: 'Auth.js',
    flaw: 'State, nonce and verifier of one provider were good for another.',
  },
  {
    ids: ['GHSA-wxw3-q3m9-c3jr'],
    whose: 'Better Auth',
    flaw: 'The callback accepted another state than the one sent.',
  },
  {
    ids: ['CVE-2022-39222'],
    whose: 'Dex',
    flaw: 'The approval was not bound to the browser that had asked.',
  },
  {
    ids: ['CVE-2026-27124'],
    whose: 'FastMCP',
    flaw: 'A proxy for another server’s sign-in called back without its own consent.',
  },
  {
    ids: ['CVE-2026-121802', 'CVE-2026-110864'],
    whose: 'Better Auth',
    flaw: 'A state that the server had never issued was signed, or read back as a profile.',
  },
  {
    ids: ['GHSA-5hvv-9cqv-894r'],
    whose: 'Supabase Auth',
    flaw: 'A failed answer of the provider was read as a user with an empty id, so that many became one.',
  },
  {
    ids: ['GHSA-wpfr-6297-9v57'],
    whose: 'Netlify GoTrue',
    flaw: 'A user was made from invalid data of the provider.',
  },
  {
    ids: ['CVE-2025-53942'],
    whose: 'authentik',
    flaw: 'A deactivated user who came by a provider got in half way.',
  },
  {
    ids: ['CVE-2026-49443'],
    whose: 'authentik',
    flaw: 'Whose a linked identity is could be changed by API.',
    without: 'No API changes whose an identity is: a user adds their own, by showing both accounts',
  },
  {
    ids: ['CVE-2024-29892', 'CVE-2026-97367'],
    whose: 'ZITADEL, Keycloak',
    flaw: 'Claims that an administrator or a client adds took the place of the server’s own.',
    without: 'Later: applications cannot add claims yet',
  },
  {
    ids: ['CVE-2026-63203'],
    whose: 'Logto',
    flaw: 'Tokens of the provider were told to who had not the scope for it.',
  },
  {
    ids: ['CVE-2026-56739'],
    whose: 'Logto',
    flaw: 'Addresses of a connection and of webhooks could be internal ones.',
    without: 'The operator alone names them, in the configuration; what clients name is judged (CVE-2026-1180, above)',
  },
  {
    ids: ['CVE-2026-15616'],
    whose: 'Logto',
    flaw: 'Who came by a provider was not asked for the second factor.',
    without: 'Later: comes with second factors',
  },
]
