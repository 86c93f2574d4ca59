import type { Advisory } from './advisory.ts'

/** Authorization requests, redirects, registration, calls outwards. */
export const advisoriesOfClients: readonly Advisory[] = [
  {
    ids: ['CVE-2025-4143'],
    whose: 'Cloudflare workers-oauth-provider',
    flaw: 'The redirect URI was not compared with the client’s registered ones.',
  },
  {
    ids: ['GHSA-86j7-9j95-vpqj', 'CVE-2020-26938'],
    also: ['CVE-2026-67333'],
    whose: 'Better Auth, node-oauth2-server',
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
    ids: ['CVE-2026-22752', 'CVE-2026-59354'],
    whose: 'Spring Authorization Server',
    flaw: 'Dynamic registration checked the client’s metadata too little.',
  },
  {
    ids: ['GHSA-3529-5m8x-rpv3', 'CVE-2026-40575', 'CVE-2025-64484', 'GHSA-3q45-2fh7-66cj', 'GHSA-5wcc-hf24-rf5h'],
    also: ['GHSA-569q-mpph-wgww'],
    whose: 'Supabase Auth, OAuth2 Proxy, Better Auth, authentik',
    flaw: 'Forwarded headers of just anybody were believed (host of the links, path, user), or the first request said what the server’s own address is.',
  },
  {
    ids: ['CVE-2026-7504', 'CVE-2026-28512'],
    whose: 'Keycloak, Pocket ID',
    flaw: 'User information in a redirect URI, or several @, was read in two ways.',
  },
  {
    ids: ['CVE-2026-3872'],
    whose: 'Keycloak',
    flaw: '`/..;/` led out of the registered path.',
  },
  {
    ids: ['CVE-2020-15233', 'GHSA-grfp-q2mm-hfp6'],
    also: ['GHSA-rfq3-w54c-f9q5'],
    whose: 'Ory Fosite',
    flaw: 'Loopback redirects ignored query and host; case did not count.',
  },
  {
    ids: ['CVE-2024-21637'],
    whose: 'authentik',
    flaw: 'With `form_post` a `javascript:` redirect URI ran.',
  },
  {
    ids: ['CVE-2026-9793'],
    whose: 'Keycloak',
    flaw: 'An encrypted request object got round the demand for a signature.',
  },
  {
    ids: ['GHSA-9h47-pqcx-hjr4'],
    also: ['CVE-2026-67336'],
    whose: 'Better Auth',
    flaw: 'Discovery offered `none`, and PKCE with `plain` was accepted.',
  },
  {
    ids: ['CVE-2019-8400', 'CVE-2024-28855', 'CVE-2026-33525'],
    whose: 'Ory Hydra, ZITADEL, Authelia',
    flaw: 'What stood in the request ran on the page: reflected markup.',
  },
  {
    ids: ['CVE-2026-49448'],
    also: ['GHSA-xp7f-xjjx-gwm8'],
    whose: 'authentik',
    flaw: 'An empty POST got past a step of the sign-in.',
  },
  {
    ids: ['CVE-2026-37977', 'CVE-2024-41657'],
    whose: 'Keycloak, Casdoor',
    flaw: 'CORS let in whichever origin the caller, or an unverified token, had named.',
  },
  {
    ids: ['CVE-2026-41427'],
    also: ['GHSA-xr8f-h2gw-9xh6'],
    whose: 'Better Auth',
    flaw: 'Who may register was configured, but nobody asked.',
  },
  {
    ids: ['CVE-2026-15572'],
    whose: 'Keycloak',
    flaw: 'A change of a registration was not judged as the registration had been.',
  },
  {
    ids: ['CVE-2026-107623'],
    whose: 'Keycloak',
    flaw: 'A client that sent back what it had read of its registration lost a setting: not all of it is told.',
  },
  {
    ids: ['CVE-2026-9803'],
    whose: 'Keycloak',
    flaw: 'A malformed `Authorization` at the registration was a 500.',
  },
  {
    ids: ['CVE-2026-1180', 'CVE-2025-67494', 'CVE-2024-49753'],
    whose: 'Keycloak, ZITADEL',
    flaw: 'Addresses named by others were called within the own network.',
  },
  {
    ids: ['CVE-2026-55671'],
    whose: 'ZITADEL',
    flaw: 'The list of forbidden addresses could be got round.',
  },
  {
    ids: ['CVE-2026-4366'],
    whose: 'Keycloak',
    flaw: 'Redirects were followed, to addresses that had not been judged.',
  },
  {
    ids: ['CVE-2026-33504'],
    whose: 'Ory Hydra',
    flaw: 'A forged token for the next page became part of an SQL statement.',
  },
  {
    ids: ['CVE-2018-1058'],
    whose: 'PostgreSQL',
    flaw: 'Whoever may make functions in a schema that others search had theirs run with the others’ rights.',
  },
  {
    ids: ['CVE-2026-40166', 'GHSA-m9h4-7j9c-55x9'],
    whose: 'authentik',
    flaw: 'Who may look at a client or a connection was shown its secret.',
  },
  {
    ids: ['CVE-2026-4874'],
    whose: 'Keycloak',
    flaw: 'A host that the client may name at the token endpoint was put into the address of its logout.',
    without: 'The logout address is a registered one, without places to fill in',
  },
  {
    ids: ['CVE-2026-18570'],
    whose: 'Keycloak',
    flaw: 'A rule for clients was checked only where the request named the setting; left out, the default was everything.',
    without:
      'What is left out gets a default within the policy by which everything that is said is judged (decision 11)',
  },
  {
    ids: ['CVE-2026-1518'],
    whose: 'Keycloak',
    flaw: 'The notification address of CIBA could be an internal one.',
    without: 'There is no CIBA here',
  },
  {
    ids: ['CVE-2026-25227'],
    whose: 'authentik',
    flaw: 'Trying out an expression ran code on the server.',
    without: 'Nothing that is configured here is code',
  },
  {
    ids: ['CVE-2026-79651'],
    whose: 'Keycloak',
    flaw: 'Languages named by strangers filled a cache without bounds.',
    without:
      'No cache here is keyed by what a stranger says of languages; what strangers can fill has bounds, and tests of its own',
  },
]
