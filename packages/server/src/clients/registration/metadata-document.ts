import { isRefusal, parseStrictObject } from '@countersign/protocol'
import type { Outbound } from '../../outbound/outbound.ts'
import { type ClientMetadata, readMetadata } from './client-metadata.ts'

/** What came of asking for a document. `away`: it could not be asked for, which says nothing about the client. */
export type FetchedDocument =
  | { readonly state: 'away' }
  | { readonly state: 'wrong' }
  | { readonly state: 'good'; readonly metadata: ClientMetadata; readonly freshSeconds: number }

const limits = { bytesAtMost: 16 * 1024, timeoutMs: 5_000 }
/** Whatever the document says of itself: often enough that what was taken back is noticed, seldom enough that nobody is troubled. */
const freshSecondsBounds = { least: 300, most: 86_400 }
const secretMembers = ['client_secret', 'client_secret_expires_at', 'registration_access_token']

/** Fetches a client id metadata document and reads it (draft §4): it names its own address to the letter, and no secret. */
export async function fetchMetadataDocument(outbound: Outbound, address: string): Promise<FetchedDocument> {
  const answer = await outbound({ url: address, headers: { accept: 'application/json' }, ...limits })
  if (answer.failed !== undefined || answer.status >= 500 || answer.status === 429) return { state: 'away' }
  const type = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (answer.status !== 200 || !/^application\/([a-z0-9.-]+\+)?json$/.test(type)) return { state: 'wrong' }
  const document = parseStrictObject(answer.text)
  if (document === undefined || document.client_id !== address) return { state: 'wrong' }
  if (secretMembers.some(member => member in document)) return { state: 'wrong' }
  const metadata = readMetadata(withoutForeign(document))
  if (isRefusal(metadata) || metadata.token_endpoint_auth_method?.startsWith('client_secret')) return { state: 'wrong' }
  return { state: 'good', metadata, freshSeconds: freshSecondsOf(answer.header('cache-control')) }
}

const ownGrantTypes: readonly unknown[] = [
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
]

/** One document is for every server in the world: what this one does not have is passed over. */
function withoutForeign(document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { grant_types, response_types } = document
  return {
    ...document,
    ...(Array.isArray(grant_types) && { grant_types: grant_types.filter(one => ownGrantTypes.includes(one)) }),
    ...(Array.isArray(response_types) && { response_types: response_types.filter(one => one === 'code') }),
  }
}

function freshSecondsOf(cacheControl = ''): number {
  const said = Number(/(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])/i.exec(cacheControl)?.[1] ?? 0)
  return Math.min(Math.max(said, freshSecondsBounds.least), freshSecondsBounds.most)
}
