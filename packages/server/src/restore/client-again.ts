import { type Client, isPublic } from '@countersign/core'

/** What of a client's record is newer than its row. */
export interface NewerParts {
  readonly client: boolean
  readonly secrets: boolean
}

/**
 * A client as it is stored, and what the journal says of it. Its logins end if they were ended, whenever that was; all else only if it is newer, and then it is taken away, and never given: a
 * backup may be of a client that has other settings since. What a configuration file has declared stands there, and its start says it again.
 */
export function clientAgain(stored: Client, journalled: Client, newer: NewerParts): Client {
  const row = { ...stored, epoch: Math.max(stored.epoch, journalled.epoch) }
  if (!newer.client && !newer.secrets) return row
  if (journalled.removedAt !== null && newer.client) {
    return { ...row, disabled: true, removedAt: stored.removedAt ?? journalled.removedAt }
  }
  if (stored.removedAt !== null) return row
  return {
    ...row,
    ...(newer.client && switched(stored, journalled)),
    ...(stored.origin !== 'declared' && newer.client && narrowed(stored, journalled)),
    ...(stored.origin !== 'declared' && newer.secrets && shownBy(stored, journalled)),
  }
}

function switched(stored: Client, journalled: Client): Partial<Client> {
  return {
    disabled: stored.disabled || journalled.disabled,
    disabledByOperator: stored.disabledByOperator || journalled.disabledByOperator,
  }
}

function narrowed(stored: Client, journalled: Client): Partial<Client> {
  const common = <Item>(list: (client: Client) => readonly Item[]): readonly Item[] => {
    const others = new Set(list(journalled))
    return list(stored).filter(item => others.has(item))
  }
  return {
    scopes: common(client => client.scopes),
    defaultScopes: common(client => client.defaultScopes),
    audiences: common(client => client.audiences),
    grantTypes: common(client => client.grantTypes),
    redirectUris: common(client => client.redirectUris),
    postLogoutRedirectUris: common(client => client.postLogoutRedirectUris),
    serves: stored.serves && journalled.serves ? common(client => client.serves ?? []) : stored.serves,
    firstParty: stored.firstParty && journalled.firstParty,
    directLogin: stored.directLogin && journalled.directLogin,
    consent: stored.consent === 'implied' ? journalled.consent : stored.consent,
    pkce: stored.pkce === 'optional' ? journalled.pkce : stored.pkce,
    requiresDpop: stored.requiresDpop || journalled.requiresDpop,
    requiresDpopNonce: stored.requiresDpopNonce || journalled.requiresDpopNonce,
    requiresPushedRequests: stored.requiresPushedRequests || journalled.requiresPushedRequests,
  }
}

/** What it shows who it is by is as it was last, as passwords are: one of the old secrets alone would be none, or nobody's. Nobody who had to show something comes without. */
function shownBy(stored: Client, journalled: Client): Partial<Client> {
  if (isPublic(journalled) && !isPublic(stored)) return {}
  const { secretHashes, secretEnds, registrationTokenHashes } = journalled
  const { authenticationMethod, assertionAlgorithm, jwks, jwksUri } = journalled
  return {
    secretHashes,
    secretEnds,
    registrationTokenHashes,
    authenticationMethod,
    assertionAlgorithm,
    jwks,
    jwksUri,
  }
}
