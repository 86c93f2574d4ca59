import { type Client, changesSubjects } from '@countersign/core'

/** What a client has several of: any that goes is missed. */
const lists = [
  'secretHashes',
  'jwks',
  'grantTypes',
  'redirectUris',
  'postLogoutRedirectUris',
  'scopes',
  'defaultScopes',
  'audiences',
] as const
const liberties = ['firstParty', 'directLogin'] as const
const duties = [
  'disabled',
  'requiresDpop',
  'requiresDpopNonce',
  'requiresPushedRequests',
  'oneAuthorizationPerUser',
] as const
/** The stricter value of what has two. */
const strict = { pkce: 'required', accessTokenBinding: 'dpop', consent: 'asked' } as const
/** Only one of each can be right; null: whatever comes, or nothing. */
const addresses = ['jwksUri', 'backchannelLogoutUri'] as const
const choices = ['authenticationMethod', 'assertionAlgorithm'] as const

/** Whether something that worked for a client, or for its users, can fail once it is changed so. */
export function takesAway(before: Client, after: Client): boolean {
  const lifetimes = ['accessTokenSeconds', 'idleSeconds', 'absoluteSeconds'] as const
  return (
    lists.some(list => isMissing(before[list], after[list])) ||
    (after.serves !== null && (before.serves === null || isMissing(before.serves, after.serves))) ||
    liberties.some(liberty => before[liberty] && !after[liberty]) ||
    duties.some(duty => !before[duty] && after[duty]) ||
    (['pkce', 'accessTokenBinding', 'consent'] as const).some(
      one => before[one] !== after[one] && after[one] === strict[one],
    ) ||
    addresses.some(address => before[address] !== null && before[address] !== after[address]) ||
    choices.some(choice => after[choice] !== null && before[choice] !== after[choice]) ||
    lifetimes.some(lifetime => after.lifetimes[lifetime] < before.lifetimes[lifetime]) ||
    changesSubjects(before, after)
  )
}

function isMissing(before: readonly unknown[], after: readonly unknown[]): boolean {
  const left = new Set(after.map(one => JSON.stringify(one)))
  return before.some(one => !left.has(JSON.stringify(one)))
}
