import { type Client, mayShareSector, sectorOf } from '@countersign/core'
import type { Refusal } from '@countersign/protocol'
import { fetchJson } from '../../outbound/fetch-json.ts'
import type { Services } from '../../services.ts'
import { type ClientMetadata, wrongMember } from './client-metadata.ts'

type Judged = Pick<Client, 'redirectUris' | 'subjectType' | 'grantTypes'>

/**
 * Who shares the pairwise `sub` of a client (OpenID Connect Core §8.1): the host of its `sector_identifier_uri`, if the document there lists all of its
 * redirect URIs (Dynamic Registration §5), so that nobody joins the sector of others; else that of its redirect URIs, if it is one. Null: those, or the client
 * alone. Refused (`client_metadata_invalid`) if it names a document and could be told users' `sub` elsewhere than at the addresses that stand there.
 */
export async function judgeSector(
  services: Pick<Services, 'outbound'>,
  metadata: ClientMetadata,
  judged: Judged,
): Promise<string | null | Refusal> {
  const { redirectUris, subjectType } = judged
  const address = metadata.sector_identifier_uri
  if (address !== undefined) {
    if (subjectType === 'pairwise' && !mayShareSector(judged)) {
      return wrongMember('sector_identifier_uri', 'needs https: redirect URIs alone, and no device grant')
    }
    const listed = (await fetchJson(services.outbound, address))?.value
    const listsAll = Array.isArray(listed) && redirectUris.every(uri => listed.includes(uri))
    return listsAll
      ? new URL(address).hostname
      : wrongMember('sector_identifier_uri', 'cannot be read, or does not list every redirect URI')
  }
  if (subjectType !== 'pairwise' || hasSector(judged)) return null
  return wrongMember('sector_identifier_uri', 'is needed, for the redirect URIs have several hosts')
}

function hasSector(judged: Judged): boolean {
  return sectorOf({ id: '', origin: 'registered', sectorIdentifier: null, ...judged }) !== undefined
}
