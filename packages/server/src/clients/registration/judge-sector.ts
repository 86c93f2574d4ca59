import { type Client, sectorOf } from '@countersign/core'
import type { Refusal } from '@countersign/protocol'
import { fetchJson } from '../../outbound/fetch-json.ts'
import type { Services } from '../../services.ts'
import { type ClientMetadata, wrongMember } from './client-metadata.ts'

/**
 * Who shares the pairwise `sub` of a client (OpenID Connect Core §8.1): the host of its `sector_identifier_uri`, if the document there lists all of its
 * redirect URIs (Dynamic Registration §5), so that nobody joins the sector of others; else that of its redirect URIs, if it is one. Null: those.
 */
export async function judgeSector(
  services: Pick<Services, 'outbound'>,
  metadata: ClientMetadata,
  { redirectUris, subjectType }: Pick<Client, 'redirectUris' | 'subjectType'>,
): Promise<string | null | Refusal> {
  const address = metadata.sector_identifier_uri
  if (address !== undefined) {
    const listed = (await fetchJson(services.outbound, address))?.value
    const listsAll = Array.isArray(listed) && redirectUris.every(uri => listed.includes(uri))
    return listsAll
      ? new URL(address).hostname
      : wrongMember('sector_identifier_uri', 'cannot be read, or does not list every redirect URI')
  }
  if (subjectType !== 'pairwise' || sectorOf({ sectorIdentifier: null, redirectUris }) !== undefined) return null
  return wrongMember('sector_identifier_uri', 'is needed, for the redirect URIs have several hosts')
}
