import {
  type ClaimsMap,
  type Client,
  hasNoRights,
  isReservedClaim,
  mappedClaims,
  type OwnClaims,
  type Rights,
  standardClaimsOf,
  type User,
} from '@countersign/core'
import { StoreUnavailable } from '@countersign/store'
import type { Log } from '../log.ts'

/** What a token will be made for, as code of the operator's is told it. Nothing of a provider's tokens is in it. */
export interface ClaimsRequest {
  readonly token: 'access_token' | 'id_token'
  readonly clientId: string
  /** The APIs that an access token reaches, besides the issuer; of an ID token none. */
  readonly audiences: readonly string[]
  readonly scope: string
  readonly user: { readonly id: string; readonly rights: Rights; readonly claims: Readonly<Record<string, unknown>> }
}

/**
 * Code of the operator's that adds claims to tokens. Called for each token, and to find out whose tokens are outdated, so it should be quick and answer the same as long as nothing has
 * changed. Within two seconds: if it fails, takes longer or gives more than fits, there is no token but 503, and no refresh token is used up. Reserved claims (`isReservedClaim`) are dropped.
 */
export type AddClaims = (
  request: ClaimsRequest,
) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>

/** Says what tokens tell of users besides what is always there. */
export interface ClaimsTeller {
  readonly accessToken: (user: User, to: AccessTokenTarget) => Promise<OwnClaims>
  readonly idToken: (user: User, to: Pick<AccessTokenTarget, 'client' | 'scope'>) => Promise<OwnClaims['claims']>
}

export interface AccessTokenTarget {
  readonly client: Client
  readonly audiences: readonly string[]
  readonly scope: string
}

/** Bytes of JSON: a token has 8 KiB at most, and more in it than this. */
const bytesAtMost = 4_096
const patienceMs = 2_000

export function createClaimsTeller(options: {
  readonly apiClaims: ReadonlyMap<string, ClaimsMap>
  readonly addClaims: AddClaims | undefined
  readonly log: Log
}): ClaimsTeller {
  const { apiClaims, addClaims, log } = options
  const none: OwnClaims = { claims: {} }

  async function tell(user: User, map: ClaimsMap, to: AccessTokenTarget, token: ClaimsRequest['token']) {
    const mapped = mappedClaims(user, map, to)
    const added = addClaims === undefined ? {} : await addedBy(addClaims, user, to, token)
    const claims = { ...mapped, ...added }
    if (Buffer.byteLength(JSON.stringify(claims)) > bytesAtMost) {
      log.error({ user: user.id, client: to.client.id }, 'the claims of a user do not fit into a token')
      throw new StoreUnavailable('The claims of a user do not fit into a token.')
    }
    return claims
  }

  async function addedBy(add: AddClaims, user: User, to: AccessTokenTarget, token: ClaimsRequest['token']) {
    const request: ClaimsRequest = {
      token,
      clientId: to.client.id,
      audiences: to.audiences,
      scope: to.scope,
      user: { id: user.id, rights: user.rights, claims: standardClaimsOf(user) },
    }
    const found = await inTime(add, request, log)
    const reserved = Object.keys(found).filter(isReservedClaim)
    if (reserved.length > 0) log.error({ claims: reserved.join(' ') }, 'claims that code may not set were dropped')
    return Object.fromEntries(
      Object.entries(found).filter(([name, value]) => !isReservedClaim(name) && value !== undefined),
    )
  }

  return {
    async accessToken(user, to) {
      // What an API wants is the API's to say, whatever else its clients want.
      const maps = to.audiences.map(audience => apiClaims.get(audience))
      const map: ClaimsMap = Object.assign({}, to.client.accessTokenClaims, ...maps)
      if (addClaims === undefined && Object.keys(map).length === 0) return none
      return { claims: await tell(user, map, to, 'access_token'), epoch: user.claimsEpoch }
    },
    async idToken(user, to) {
      const map = to.client.idTokenClaims
      if (addClaims === undefined && Object.keys(map).length === 0) return none.claims
      return tell(user, map, { ...to, audiences: [] }, 'id_token')
    },
  }
}

/** What the code answers. A failure of its is one of the world outside: nobody is logged out by it. */
async function inTime(add: AddClaims, request: ClaimsRequest, log: Log): Promise<Readonly<Record<string, unknown>>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), patienceMs)
  })
  try {
    return await Promise.race([add(request), late])
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'the code that adds claims has failed')
    throw new StoreUnavailable('The code that adds claims has failed.')
  } finally {
    clearTimeout(timer)
  }
}

/** Whether anything that tokens can tell differs. */
export function tellsAnother(before: User, after: User): boolean {
  const text = (user: User): string =>
    JSON.stringify([standardClaimsOf({ ...user, profile: { ...user.profile, updatedAt: 0 } }), rightsText(user.rights)])
  return text(before) !== text(after)
}

function rightsText(rights: Rights): unknown {
  return hasNoRights(rights) ? null : rights
}
