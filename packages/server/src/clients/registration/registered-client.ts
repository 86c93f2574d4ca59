import {
  type Client,
  declareClient,
  hashClientSecret,
  type Instant,
  makeClientSecret,
  makeId,
  type RandomBytes,
} from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import { isLocalIssuer } from '../../http/client-address.ts'
import type { Services } from '../../services.ts'
import type { ClientMetadata } from './client-metadata.ts'
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

/** The same client, described anew. What it has by the server's own decision stays. */
export function changedRegisteredClient(client: Client, judged: JudgedMetadata, random: RandomBytes): WithSecrets {
  return withSecrets({ ...client, ...judged, name: judged.name ?? client.id }, random)
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
