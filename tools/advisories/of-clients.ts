import type { Advisory } from './advisory.ts'

/** Authorization requests, redirects, registration, calls outwards. */
export const advisoriesOfClients: readonly Advisory[] = [
  {
    ids: ['CVE-2025-4143'],
    whose: 'Cloudflare workers-oauth-provider',
    flaw: 'The redirect URI was not compared with the client’s registered ones.',
  },
  {
    ids: ['GHSA-86j7-9j95-vpqj'],
    whose: 'Better Auth',
    flaw: 'A `javascript:` redirect URI could be registered, and ran on the server’s origin.',
  },
  {
    ids: ['CVE-2024-52289'],
    whose: 'authentik',
    flaw: 'Redirect URIs were regular expressions: a dot matched anything.',
  },
  {
    ids: ['CVE-2024-8883'],
    whose: 'Keycloak',
    flaw: 'With a loopback address registered, codes could be sent anywhere.',
  },
  {
    ids: ['CVE-2026-9689'],
    whose: 'Keycloak',
    flaw: 'A redirect URI could carry parameters of the answer, so that the client read the attacker’s.',
  },
  {
    ids: ['CVE-2026-7571'],
    whose: 'Keycloak',
    flaw: 'What the browser carried from the login back to the request could be forged, past what the client may do.',
  },
  {
    ids: ['CVE-2026-22752'],
    whose: 'Spring Authorization Server',
    flaw: 'Dynamic registration checked the client’s metadata too little.',
  },
  {
    ids: ['GHSA-3529-5m8x-rpv3', 'CVE-2026-40575', 'CVE-2025-64484'],
    whose: 'Supabase Auth, OAuth2 Proxy',
    flaw: 'Forwarded headers of just anybody were believed: host of the links, path, user.',
  },
]
