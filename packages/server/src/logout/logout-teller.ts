import type { LogoutDelivery } from '@countersign/core'
import type { Every } from '../every.ts'
import { createLookout } from '../jobs/lookout.ts'
import type { Services } from '../services.ts'
import { createEndFollower } from './follow-ends.ts'
import { claimLogout, postpone, sendLogout } from './send-logout.ts'

/**
 * Tells clients that sessions have ended (OpenID Connect Back-Channel Logout). Beside all requests: it wakes when something was revoked, and now and then for what
 * other nodes left and what has to be tried again.
 */
export interface LogoutTeller {
  /** Looks now, and resolves when everybody who is due has been tried. */
  look(): Promise<void>
  /** No new look; resolves when what was begun is over. */
  stop(): Promise<void>
}

const lookEveryMs = 5_000
const rowsAtATime = 50
const inFlightAtMost = 100
/** A client that answers slowly must not hold up the others. */
const inFlightOfOneAtMost = 10
/** Nor one that does not answer at all. */
const restMs = 10_000

type Needed = Parameters<typeof sendLogout>[0] & Pick<Services, 'clock'>

export function createLogoutTeller(services: Needed, every: Every): LogoutTeller {
  const { store, log, clock } = services
  const follower = createEndFollower(store)
  const inFlight = new Set<Promise<void>>()
  /** How many are in flight, by client. */
  const busy = new Map<string, number>()
  /** By client, until when. */
  const resting = new Map<string, number>()

  /** False: nobody is due any more. */
  async function tellSome(): Promise<boolean> {
    const { rows } = await store.listDue('logoutDelivery', rowsAtATime)
    if (lookout.hasStopped()) return false
    await Promise.all(rows.map(tell))
    return rows.length > 0
  }

  /** Resolves once the attempt is written down; the row is due no more then. What comes of it is not waited for. */
  async function tell(row: LogoutDelivery): Promise<void> {
    const { clientId } = row
    if (mustWait(clientId)) return postpone(services, row, restMs)
    busy.set(clientId, (busy.get(clientId) ?? 0) + 1)
    const begun = await claimLogout(services, row).catch((error: unknown) => {
      release(clientId)
      throw error
    })
    if (begun === undefined) return release(clientId)
    const sending = sendLogout(services, begun)
      .then(isTold => void (isTold ? resting.delete(clientId) : resting.set(clientId, clock() + restMs)))
      .catch((error: unknown) => warn(error, 'a client could not be told yet'))
      .finally(() => {
        release(clientId)
        inFlight.delete(sending)
      })
    inFlight.add(sending)
  }

  function release(clientId: string): void {
    const others = (busy.get(clientId) ?? 0) - 1
    if (others > 0) busy.set(clientId, others)
    else busy.delete(clientId)
  }

  function mustWait(clientId: string): boolean {
    return (busy.get(clientId) ?? 0) >= inFlightOfOneAtMost || (resting.get(clientId) ?? 0) > clock()
  }

  function warn(error: unknown, text: string): void {
    log.warn({ failure: error instanceof Error ? error.name : 'unknown' }, text)
  }

  const settled = async (): Promise<void> => {
    while (inFlight.size > 0) await Promise.all(inFlight)
  }
  const lookout = createLookout({
    every,
    everyMs: lookEveryMs,
    async work() {
      await follower.follow()
      while (await tellSome()) if (inFlight.size >= inFlightAtMost) await Promise.race(inFlight)
    },
    onFailure: error => warn(error, 'ended sessions could not be looked up'),
  })
  const unsubscribe = store.feed.subscribe(() => void lookout.look())

  return {
    async look() {
      await lookout.look()
      await settled()
    },
    async stop() {
      unsubscribe()
      await lookout.stop()
      await settled()
    },
  }
}
