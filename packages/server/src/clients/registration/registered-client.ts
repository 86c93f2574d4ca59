import {
  type Client,
  declareClient,
  hashClientSecret,
  type Instant,
  makeClientSecret,
  makeId,
  type RandomBytes,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { isLocalIssuer } from '../../http/client-address.ts'
import type { Services } from '../../services.ts'
import { type ClientMetadata, wrongMember } from './client-metadata.ts'
import { clientOfMetadata, type RegisteredMembers } from './client-of-metadata.ts'
import { judgeSector } from './judge-sector.ts'
import { closedRegistration, type RegistrationPolicy } from './registration-policy.ts'

/** What a client has said of itself, judged; its sector is known. */
export type JudgedMetadata = RegisteredMembers & Pick<Client, 'sectorIdentifier'>

export function registrationPolicy({ config }: Pick<Services, 'config'>): RegistrationPolicy {
  return config.registration ?? closedRegistration
}

export async function judgeMetadata(
  services: Pick<Services, 'config' | 'outbound'>,
  metadata: ClientMetadata,
  more: { isVouchedFor: boolean; defaultMethod: 'client_secret_basic' | 'none' },
): Promise<JudgedMetadata | Refusal> {
  const allowsLoopback = isLocalIssuer(services.config.issuer)
  const judged = clientOfMetadata(metadata, { policy: registrationPolicy(services), allowsLoopback, ...more })
  if (isRefusal(judged)) return judged
  const sectorIdentifier = await judgeSector(services, metadata, judged)
  return isRefusal(sectorIdentifier) ? sectorIdentifier : { ...judged, sectorIdentifier }
}

/** A client with what can be shown of it once, and is stored as hashes. */
export interface WithSecrets {
  readonly client: Client
  readonly secret: string | undefined
  readonly registrationToken: string
}

/** Somebody else's application, whatever it says: third-party, and its users are asked. Forgotten if nobody uses it. */
export function newRegisteredClient(
  judged: JudgedMetadata,
  { now, random, unusedSeconds }: { now: Instant; random: RandomBytes; unusedSeconds: number },
): WithSecrets {
  const id = makeId(now, random)
  const client = declareClient({
    id,
    ...judged,
    name: judged.name ?? id,
    origin: 'registered',
    createdAt: now,
    expiresAt: now + unusedSeconds * 1000,
  })
  return withSecrets(client, random)
}

/**
 * The same client, described anew. What it has by the server's own decision stays, an operator's too. Refused with `redirect_uri_unacceptable` if it would send
 * users elsewhere who are not asked any more, with `client_metadata_invalid` if it leaves no grant type that it may use.
 */
export function changedRegisteredClient(
  client: Client,
  judged: JudgedMetadata,
  random: RandomBytes,
): WithSecrets | Refusal {
  const isTrusted = client.firstParty || client.consent === 'implied'
  if (isTrusted && !areTheSame(client.redirectUris, judged.redirectUris)) {
    const detail = 'The redirect URIs of a client that an operator trusts are changed by an operator.'
    return refuse('redirect_uri_unacceptable', { detail })
  }
  const said = client.changedByOperator ? withinWhatItHas(client, judged) : judged
  if (said.grantTypes.length === 0) return wrongMember('grant_types')
  return withSecrets({ ...client, ...said, name: said.name ?? client.id }, random)
}

function areTheSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every(one => others.includes(one))
}

/** What an operator has taken away does not come back, and what one has demanded stays demanded. */
function withinWhatItHas(client: Client, judged: JudgedMetadata): JudgedMetadata {
  return {
    ...judged,
    scopes: judged.scopes.filter(scope => client.scopes.includes(scope)),
    defaultScopes: judged.defaultScopes.filter(scope => client.scopes.includes(scope)),
    audiences: judged.audiences.filter(audience => client.audiences.includes(audience)),
    grantTypes: judged.grantTypes.filter(grantType => client.grantTypes.includes(grantType)),
    requiresDpop: judged.requiresDpop || client.requiresDpop,
    requiresPushedRequests: judged.requiresPushedRequests || client.requiresPushedRequests,
  }
}

/**
 * A fresh token for its registration, beside the one before; and a secret, if it is to authenticate by one and has none. A secret that it is not to use any
 * more goes.
 */
function withSecrets(client: Client, random: RandomBytes): WithSecrets {
  const { authenticationMethod: method } = client
  const needsSecret = method === 'client_secret_basic' || method === 'client_secret_post'
  const secret = needsSecret && client.secretHashes.length === 0 ? makeClientSecret(random) : undefined
  const registrationToken = `cs_rat_${random(32).toString('base64url')}`
  return {
    secret,
    registrationToken,
    client: {
      ...client,
      ...(secret !== undefined && { secretHashes: [hashClientSecret(secret)] }),
      ...(!needsSecret && { secretHashes: [], secretEnds: {} }),
      registrationTokenHashes: [hashClientSecret(registrationToken), ...client.registrationTokenHashes.slice(0, 1)],
    },
  }
}
