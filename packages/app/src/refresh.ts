import { criticalSection, type Outcome } from './critical-section.ts'
import { tokenFailure } from './failure.ts'
import {
  anything,
  type Holding,
  hold,
  inTurn,
  isDue,
  live,
  nothing,
  publish,
  randomFraction,
  readStorage,
  remaining,
  writeStorage,
} from './holding.ts'
import { isUnrevoked, revoke } from './revocation.ts'
import type { State } from './state.ts'
import { isLive, type LiveSession, type StoredSession } from './stored-session.ts'

const longestTick = 30_000
const firstBackoff = 500
const longestBackoff = 60_000
/** How long a call waits for a token before it gives up. */
const callPatience = 10_000
/** After a failure `refresh()` does nothing for so long, so that a listener that calls it cannot go round in circles. */
const manualPause = 1_000

/** One refresh at a time, whoever asks: the timer, a call, a 401, the application. Never rejects. */
function renewOnce(holding: Holding): Promise<void> {
  const seen = live(holding)
  if (!seen || holding.closed) return Promise.resolve()
  if (holding.inflight === undefined) {
    const { acts } = holding
    const pass = inTurn(holding, () => criticalSection(holding, seen))
      .catch((): Outcome => ({ later: 0 }))
      .then(outcome => {
        if (holding.inflight === pass) holding.inflight = undefined
        // Signed out, or in again, in the meantime: that is the later word.
        if (holding.acts === acts) settle(holding, outcome)
        schedule(holding)
        // What other tabs have told in the meantime was not listened to.
        void look(holding)
      })
    holding.inflight = pass
    publish(holding)
  }
  return holding.inflight
}

function settle(holding: Holding, outcome: Outcome): void {
  if ('adopt' in outcome) {
    holding.unsavedOver = outcome.over
    hold(holding, outcome.adopt, outcome.age)
    return
  }
  const { clock } = holding.platform
  const now = clock.monotonic()
  holding.failedAt = now
  if ('stop' in outcome) {
    holding.report(outcome.stop)
    holding.retryAt = Number.POSITIVE_INFINITY
  } else {
    holding.quietUntil = now + outcome.later
    const backoff = randomFraction(holding) * Math.min(longestBackoff, firstBackoff * 2 ** holding.failures++)
    holding.retryAt = now + Math.max(backoff, outcome.later)
  }
  holding.retryAtShown = clock.now() + holding.retryAt - now
}

/** Looks at the storage: another tab may have renewed, signed in or signed out. Writes what could not be written. */
export async function look(holding: Holding): Promise<void> {
  const before = holding.held
  try {
    const stored = await readStorage(holding)
    const version = stored?.version ?? nothing
    // What this tab did while it read is newer than what it read.
    if (holding.held !== before || holding.inflight !== undefined) return
    if (before && !isOther(stored, before) && (holding.unsavedOver === anything || holding.unsavedOver === version)) {
      // A sign-out ends what another tab has got in the meantime, too.
      const next =
        isLive(before) || !isLive(stored) ? before : { ...before, unrevoked: stored.refreshToken, key: stored.key }
      if ((await writeStorage(holding, version, next)) && holding.held === before) {
        holding.held = next
        holding.unsavedOver = undefined
      }
    } else {
      holding.unsavedOver = undefined
      if (!holding.loaded || version !== before?.version) hold(holding, stored)
    }
  } catch {
    if (!holding.loaded) settle(holding, { later: 0 })
  } finally {
    schedule(holding)
  }
}

/** A login that somebody began in another tab while a sign-out here was held up: nobody has asked for its end. */
function isOther(stored: StoredSession | undefined, before: StoredSession): boolean {
  return !isLive(before) && !!before.login && isLive(stored) && stored.login !== before.login
}

/** Publishes what has changed, lets the calls that wait look again, and sets the one timer: never beyond 30 s. */
export function schedule(holding: Holding): void {
  const { platform, waiting, retryAt } = holding
  holding.waiting = []
  for (const resume of waiting) resume()
  publish(holding)
  platform.timers.clear(holding.timer)
  const session = live(holding)
  if (holding.closed) return
  let delay = longestTick
  if (holding.inflight === undefined) {
    if (retryAt !== undefined) delay = retryAt - platform.clock.monotonic()
    else if (session && !isDue(holding, session)) delay = remaining(holding, session) - holding.margin
    else if (isUnrevoked(holding)) delay = holding.revokeAt - platform.clock.monotonic()
  }
  holding.timer = platform.timers.set(() => tick(holding), Math.max(0, Math.min(delay, longestTick)))
}

function tick(holding: Holding): void {
  const { retryAt } = holding
  const now = holding.platform.clock.monotonic()
  if (!holding.loaded) holding.retryAt = now + longestTick
  // A message of another tab may have been lost, or a write may have to be made up for.
  void look(holding)
  const session = live(holding)
  if (session && (retryAt === undefined ? holding.used && isDue(holding, session) : now >= retryAt)) {
    void renewOnce(holding)
  }
  if (isUnrevoked(holding) && now >= holding.revokeAt) void revoke(holding)
}

/** The page is back (visible, from the cache, online): what was put off is tried at once. */
export async function wake(holding: Holding): Promise<void> {
  await look(holding)
  const now = holding.platform.clock.monotonic()
  holding.revokeAt = now
  holding.used = true
  if (holding.retryAt !== undefined && now >= holding.quietUntil) holding.retryAt = now
  tick(holding)
}

/** A token that has time left and is not `stale`. Waits through failures that are expected to pass. */
export async function waitForToken(holding: Holding, stale?: string): Promise<LiveSession> {
  const { clock } = holding.platform
  const giveUp = clock.monotonic() + callPatience
  let renewed = false
  for (;;) {
    const session = live(holding)
    const retryAt = holding.retryAt ?? 0
    if (holding.loaded && !session) throw tokenFailure('signed_out', 'Nobody is signed in.')
    if (session && session.accessToken !== stale) {
      const left = remaining(holding, session)
      // What has just been got is given out however short its life is.
      if (renewed || left > Math.min(5_000, session.lifetimeSeconds * 50)) {
        holding.used = true
        if (!renewed && left <= holding.margin && !retryAt) void renewOnce(holding)
        return session
      }
    }
    const now = clock.monotonic()
    if (holding.closed || now >= giveUp || retryAt > giveUp) {
      throw tokenFailure('unavailable', 'No token now.', holding.retryAtShown)
    }
    if (session && retryAt <= now) {
      await renewOnce(holding)
      renewed = live(holding) !== session
    } else await new Promise<void>(resume => holding.waiting.push(resume))
  }
}

/** Fetches a new token now, unless another tab has done so since, or the server has asked to be left alone. */
export async function refreshNow(holding: Holding, ready: Promise<void>): Promise<State> {
  const { announcer, platform } = holding
  const circular = announcer.announcing() && announcer.state().status !== 'due'
  await ready
  const now = platform.clock.monotonic()
  const pause = circular || now < Math.max(holding.quietUntil, holding.failedAt + manualPause)
  if (holding.inflight !== undefined || !pause) await renewOnce(holding)
  return announcer.state()
}
