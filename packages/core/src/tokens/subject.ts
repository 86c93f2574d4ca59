import { createHmac } from 'node:crypto'
import type { Epochs } from '@countersign/protocol'
import { type Client, isVouchedFor } from '../clients/client.ts'
import { uuidOf } from '../ids.ts'
import type { MacKey } from '../keys/master-key.ts'
import type { User } from '../users/user.ts'

/*
 * Who a user is to a client: `sub`, in every token, in UserInfo and in introspection. Inside, users are found by their id alone.
 */

/**
 * OpenID Connect Core §8. `public`: the user's id. `uuid`: the same bytes as a UUID is written, for who had such ids elsewhere. `pairwise`: one that only the clients of a sector share, and that tells nobody else anything (§8.1).
 * `connection`: `{connection}|{id there}` of the identity that the user began with, `password|{id}` if they began here.
 */
export function subjectOf(client: Client, user: Pick<User, 'id' | 'firstIdentity'>, pairwiseKey: MacKey): string {
  if (client.subjectType === 'public') return user.id
  if (client.subjectType === 'uuid') return uuidOf(user.id)
  if (client.subjectType === 'connection') {
    return user.firstIdentity === null
      ? `password|${user.id}`
      : `${withoutBar(user.firstIdentity.connection)}|${user.firstIdentity.subject}`
  }
  const { host = '', clientId = '' } = sectorOf(client) ?? { clientId: client.id }
  const sector = JSON.stringify([host, clientId])
  return createHmac('sha256', pairwiseKey).update(`${sector} ${user.id}`).digest('base64url')
}

/**
 * So that the first bar is the one between the two, whoever chose the names: else `a|b` at `c` would be `b|c` at `a`. A trusted back end's connection holds its client
 * id, in which a bar may stand.
 */
function withoutBar(connection: string): string {
  return connection.replace(/[%|]/g, encodeURIComponent)
}

/** True if the client must not be able to find out together with another one that they have the same user before them (§8.1, §17.3). */
export function hidesUser(client: Pick<Client, 'subjectType'>): boolean {
  return client.subjectType === 'pairwise'
}

/**
 * What a client is told a session is called: `sid`, `session_id`. Where users must not be found again across clients it is a name of the client's own: the session is
 * shared by all that are in it.
 */
export function sessionNameFor(
  client: Pick<Client, 'id' | 'subjectType'>,
  sessionId: string,
  pairwiseKey: MacKey,
): string {
  if (!hidesUser(client)) return sessionId
  return createHmac('sha256', pairwiseKey)
    .update(`session ${JSON.stringify([client.id, sessionId])}`)
    .digest('base64url')
}

/** Who share one pairwise `sub` (§8.1): the clients of a host, or one client alone. */
export type Sector =
  | { readonly host: string; readonly clientId?: never }
  | { readonly clientId: string; readonly host?: never }

type SectorMembers = Pick<Client, 'id' | 'origin' | 'grantTypes' | 'redirectUris' | 'sectorIdentifier'>

/**
 * The sector of a client: the host that is declared, or the one host of its redirect URIs. Itself alone where nothing shows that it belongs to a host: without
 * redirect URIs, with addresses that any program can claim (loopback, private schemes), and for one that describes itself where `mayShareSector` says no.
 * `undefined`: several, so it has to be declared.
 */
export function sectorOf(client: SectorMembers): Sector | undefined {
  const itself = { clientId: client.id }
  if (!isVouchedFor(client) && !mayShareSector(client)) return itself
  if (client.sectorIdentifier !== null) return { host: client.sectorIdentifier }
  const hosts = new Set(client.redirectUris.map(hostOf))
  if (hosts.size > 1) return undefined
  const [host] = hosts
  return host === undefined ? itself : { host }
}

/**
 * Whether a client that nobody vouches for may share a sector with others: all that it learns of users has to pass by addresses that are somebody's. One with the device
 * grant learns it without, and could name anybody's addresses.
 */
export function mayShareSector({ grantTypes, redirectUris }: Pick<Client, 'grantTypes' | 'redirectUris'>): boolean {
  const isOnDevices = grantTypes.includes('urn:ietf:params:oauth:grant-type:device_code')
  return !isOnDevices && redirectUris.length > 0 && redirectUris.every(uri => uri.startsWith('https:'))
}

/** `undefined`: an address of the user's own machine, which is nobody's. */
function hostOf(uri: string): string | undefined {
  const { hostname = '', protocol } = URL.parse(uri) ?? {}
  const isOwnMachine = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return protocol === 'https:' || protocol === 'http:' ? (isOwnMachine ? undefined : hostname) : undefined
}

/** True if the client's tokens name the user in our own terms, which entries of the feed about the user match. */
export function tellsUserId(client: Pick<Client, 'subjectType'>): boolean {
  return client.subjectType === 'public'
}

/** The epochs that a token may tell: where `sub` is not the user's id, an entry about the user would match none, or tell which `sub` belong together. */
export function epochsToTell(client: Client, epochs: Epochs): Epochs {
  if (tellsUserId(client)) return epochs
  const { user: _user, grant: _grant, ...others } = epochs
  return others
}

/** True if users are somebody else to the client after a change of it: whatever it holds speaks of strangers. */
export function changesSubjects(before: Client, after: Client): boolean {
  if (before.subjectType !== after.subjectType) return true
  return after.subjectType === 'pairwise' && JSON.stringify(sectorOf(before)) !== JSON.stringify(sectorOf(after))
}
