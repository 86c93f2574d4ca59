import { type Client, changeClient, changesSubjects, declareClient } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { type ClientSnapshot, createRecentMap, type Limit } from '@countersign/store'
import { isLocalIssuer } from '../../http/client-address.ts'
import type { Services } from '../../services.ts'
import { decideAndCommit } from '../../sign-in/decide-and-commit.ts'
import type { ClientFinder } from '../client-finder.ts'
import { domainOf } from './domain-of.ts'
import { fullness } from './fullness.ts'
import { isMetadataAddress } from './metadata-address.ts'
import { type FetchedDocument, fetchMetadataDocument } from './metadata-document.ts'
import { type JudgedMetadata, judgeMetadata, registrationPolicy } from './registered-client.ts'

type Needed = Pick<Services, 'store' | 'config' | 'outbound' | 'counters' | 'clock'>

interface Known {
  readonly until: number
  readonly isGood: boolean
}

/** `good`: the client may be used as it is stored now. `not_asked`: there are too many already. */
type Outcome = 'good' | 'wrong' | 'not_asked'

/** A document that is wrong or away is not asked for again so soon, whoever names it. */
const coolDownMs = 60_000
/** While a document is away, what is stored holds for so long after it was last seen, or after this node's start. */
const staleMs = 86_400_000
const addressesAtMost = 10_000
/** Shares: no one domain, under however many host names, uses up what is there for all. */
const fetchesAtOnce = { ofAll: 20, ofDomain: 5 }
const fetches: Limit = { kind: 'metadata documents', attempts: 300, windowSeconds: 60 }
const fetchesOfDomain: Limit = { kind: 'metadata documents of a domain', attempts: 60, windowSeconds: 60 }
const fetchesOfHost: Limit = { kind: 'metadata documents of a host', attempts: 30, windowSeconds: 60 }
/** Of the clients that there may be at most, in the time after which unused ones are forgotten. */
const newClientsOfDomain = 1 / 20

/**
 * Finds clients, and among them those that describe themselves in a document at an address of theirs, which is their `client_id`
 * (draft-ietf-oauth-client-id-metadata-document). The row of such a client is written when it is first met, so that logins can refer to it, and whenever its
 * document has changed; forgotten if nobody uses it.
 */
export function createMetadataClients(services: Needed): ClientFinder {
  const { store, config, outbound, counters, clock } = services
  const allowsLoopback = isLocalIssuer(config.issuer)
  const isFull = fullness(services, 'metadata')
  const startedAt = clock()
  const known = createRecentMap<Known>(addressesAtMost)
  const seenAt = createRecentMap<number>(addressesAtMost)
  const running = new Map<string, Promise<Outcome>>()

  function isDescribing(clientId: string, stored: ClientSnapshot | undefined): boolean {
    const isOther = stored !== undefined && (stored.client.origin !== 'metadata' || stored.client.removedAt !== null)
    return !isOther && isMetadataAddress(clientId, allowsLoopback)
  }

  function hasSlot(address: string): boolean {
    const domain = domainOfAddress(address)
    const ofDomain = [...running.keys()].filter(one => domainOfAddress(one) === domain)
    return running.size < fetchesAtOnce.ofAll && ofDomain.length < fetchesAtOnce.ofDomain
  }

  async function mayFetch(address: string): Promise<boolean> {
    const { hostname } = new URL(address)
    const domain = domainOfAddress(address)
    // Hosts are as many as a stranger likes to name: nothing is kept of those that are not asked.
    const takes = [[fetches, ''] as const, [fetchesOfDomain, domain] as const, [fetchesOfHost, hostname] as const]
    for (const [index, taken] of takes.entries()) {
      if ((await counters.take(...taken)).allowed) continue
      for (const earlier of takes.slice(0, index)) await counters.giveBack(...earlier)
      return false
    }
    return true
  }

  /** Whether one more client of this domain may be written. */
  async function hasRoom(address: string): Promise<boolean> {
    const { clientsAtMost, unusedSeconds } = registrationPolicy(services)
    const share = Math.max(1, Math.floor(clientsAtMost * newClientsOfDomain))
    const limit = { kind: 'metadata clients of a domain', attempts: share, windowSeconds: unusedSeconds }
    return (await counters.take(limit, domainOfAddress(address))).allowed && !(await isFull())
  }

  /** Fetches the document, if it may, and writes what it says. */
  async function refresh(address: string, stored: ClientSnapshot | undefined): Promise<Outcome> {
    if (!(await mayFetch(address))) return 'not_asked'
    const fetched = await fetchMetadataDocument(outbound, address)
    const isGood = await take(address, fetched, stored)
    const freshMs = fetched.state === 'good' && isGood ? fetched.freshSeconds * 1000 : coolDownMs
    known.set(address, { until: clock() + freshMs, isGood })
    if (fetched.state === 'good' && isGood) seenAt.set(address, clock())
    return isGood ? 'good' : 'wrong'
  }

  async function take(address: string, fetched: FetchedDocument, stored: ClientSnapshot | undefined): Promise<boolean> {
    if (fetched.state === 'wrong') return false
    if (fetched.state === 'away') {
      return stored !== undefined && clock() - (seenAt.get(address) ?? startedAt) < staleMs
    }
    const judged = await judgeMetadata(services, fetched.metadata, { isVouchedFor: false, defaultMethod: 'none' })
    if (isRefusal(judged) || (stored === undefined && !(await hasRoom(address)))) return false
    await write(services, address, judged)
    return true
  }

  async function findDescribed(
    address: string,
    stored: ClientSnapshot | undefined,
  ): Promise<ClientSnapshot | undefined> {
    if (!registrationPolicy(services).metadataDocuments) return undefined
    const now = known.get(address)
    // A row that was forgotten as unused is written anew.
    const isKnown = now !== undefined && clock() < now.until && (stored !== undefined || !now.isGood)
    if (isKnown) return now.isGood ? stored : undefined
    let fetching = running.get(address)
    if (fetching === undefined && hasSlot(address)) {
      fetching = refresh(address, stored).finally(() => running.delete(address))
      running.set(address, fetching)
    }
    const outcome = (await fetching) ?? 'not_asked'
    if (outcome !== 'not_asked') return outcome === 'good' ? store.loadClient(address) : undefined
    // What was found to be wrong does not come back because nobody may look.
    return known.get(address)?.isGood === false ? undefined : stored
  }

  return {
    async find(clientId, loaded) {
      const stored = loaded?.client.id === clientId ? loaded : await store.loadClient(clientId)
      return isDescribing(clientId, stored) ? findDescribed(clientId, stored) : stored
    },
    findStored: clientId => store.loadClient(clientId),
  }
}

function domainOfAddress(address: string): string {
  return domainOf(new URL(address).hostname)
}

/** Writes what the document says, if that is new. What an operator has decided about the client stays. */
async function write(services: Needed, address: string, judged: JudgedMetadata): Promise<void> {
  const described = { ...judged, name: judged.name ?? new URL(address).hostname }
  await decideAndCommit(services, async () => {
    const snapshot = await services.store.loadIssuer()
    const stored = (await services.store.loadClient(address))?.client
    const client =
      stored === undefined ? newClient(services, address, described, snapshot.now) : { ...stored, ...described }
    if (stored !== undefined && JSON.stringify(client) === JSON.stringify(stored)) return { result: {} }
    const event = stored === undefined ? 'client.registered' : 'client.changed'
    const ends = stored !== undefined && changesSubjects(stored, client)
    return { result: {}, change: changeClient(snapshot, client, { event, ends, facts: { origin: 'metadata' } }) }
  })
}

function newClient(services: Needed, id: string, described: JudgedMetadata & { name: string }, now: number): Client {
  const expiresAt = now + registrationPolicy(services).unusedSeconds * 1000
  return declareClient({ id, ...described, origin: 'metadata', createdAt: now, expiresAt })
}
