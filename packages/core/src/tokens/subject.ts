import { createHmac } from 'node:crypto'
import type { Epochs } from '@countersign/protocol'
import type { Client } from '../clients/client.ts'
import type { MacKey } from '../keys/master-key.ts'
import type { User } from '../users/user.ts'

/*
 * Who a user is to a client: `sub`, in every token, in UserInfo and in introspection. Inside, users are found by their id alone.
 */

/**
 * OpenID Connect Core §8. `public`: the user's id. `pairwise`: one that only the clients of a sector share, and that tells nobody else anything (§8.1).
 * `connection`: `{connection}|{id there}` of the identity that the user began with, `password|{id}` if they began here.
 */
export function subjectOf(client: Client, user: Pick<User, 'id' | 'firstIdentity'>, pairwiseKey: MacKey): string {
  if (client.subjectType === 'public') return user.id
  if (client.subjectType === 'connection') {
    return user.firstIdentity === null
      ? `password|${user.id}`
      : `${user.firstIdentity.connection}|${user.firstIdentity.subject}`
  }
  // A client without any redirect URI has no host to share: its sector is itself.
  const sector = JSON.stringify([sectorOf(client) ?? '', sectorOf(client) === undefined ? client.id : ''])
  return createHmac('sha256', pairwiseKey).update(`${sector} ${user.id}`).digest('base64url')
}

/**
 * The sector identifier (§8.1): what is declared, or the one host of the redirect URIs. `undefined` if there is none, or more than one: such a client has to
 * declare it.
 */
export function sectorOf(client: Pick<Client, 'sectorIdentifier' | 'redirectUris'>): string | undefined {
  if (client.sectorIdentifier !== null) return client.sectorIdentifier
  const hosts = new Set(client.redirectUris.filter(uri => URL.canParse(uri)).map(hostOf))
  const [host] = hosts
  return hosts.size === 1 ? host : undefined
}

/** A private scheme has no host: it stands for itself. */
function hostOf(uri: string): string {
  const { hostname, protocol } = new URL(uri)
  return hostname || protocol
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
  return after.subjectType === 'pairwise' && sectorOf(before) !== sectorOf(after)
}
