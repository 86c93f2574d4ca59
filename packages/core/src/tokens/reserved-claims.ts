/**
 * What no mapping and no code of an operator's may set in a token: it says who is meant, for whom, how long and under what, and decides at every check (RFC 7519 §4.1, RFC 9068
 * §2.2, RFC 7662 §2.2, OpenID Connect Core §2, and ours).
 */
const reserved: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'sub_id',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'typ',
  'client_id',
  'azp',
  'scope',
  'scp',
  'auth_time',
  'acr',
  'amr',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
  'fam',
  'epo',
  'ver',
  'act',
  'may_act',
  'cnf',
  'events',
  'toe',
  'txn',
  'active',
  'token_type',
  'username',
  'authorization_details',
  // They mean something to JavaScript, whoever reads them.
  '__proto__',
  'constructor',
  'prototype',
])

export function isReservedClaim(name: string): boolean {
  return reserved.has(name)
}
