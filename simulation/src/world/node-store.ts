import { type Store, StoreUnavailable } from '@countersign/store'
import type { Dice } from './dice.ts'
import type { Disk } from './disk.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What can be wrong between one node and the store. */
export interface Link {
  /** Grows when the node crashes: what was begun before never goes on. */
  life: number
  /** The machine is switched off: a process cannot be started. */
  off: boolean
  /** Nothing can be reached. */
  cut: boolean
  /** Nothing can be written. */
  full: boolean
  /** The key ring cannot be read, and the rest can. */
  ringCut: boolean
  /** The signing key, or what holds it, does not answer. */
  signingFails: boolean
  /** Probability that a call is slow by up to `slowMilliseconds`. */
  slow: number
  slowMilliseconds: number
  /** Probability that a commit happens and the node is not told. */
  unknownOutcome: number
  /** So many steps from now, between two of a request's, the process dies; 0: it does not. A step is a call of the store on its way or back. */
  diesAfterSteps: number
  die(): void
}

export function createLink(): Link {
  return {
    life: 0,
    off: false,
    cut: false,
    full: false,
    ringCut: false,
    signingFails: false,
    slow: 0,
    slowMilliseconds: 0,
    unknownOutcome: 0,
    diesAfterSteps: 0,
    die: () => {},
  }
}

/** The store as it was changed on purpose; see `breakages.ts`. */
export type WrapStore = (store: Store) => Store

/** The real engine as one node sees it over a network: every call takes time, may fail, and may never come back. */
export function createNodeStore(world: {
  disk: Disk
  time: VirtualTime
  dice: Dice
  link: Link
  node: string
  count: (fault: string) => void
  /** A commit happened, and the node will not know. */
  untold: () => void
}): Store {
  const { disk, time, dice, link, node, count, untold } = world

  async function reach<T>(work: () => Promise<T>, more: { writes?: boolean; ring?: boolean } = {}): Promise<T> {
    const { life } = link
    await time.sleep(pause())
    takeStep()
    if (link.life !== life) return never()
    const engine = disk.engine()
    refuseIfBroken(more)
    const result = await work()
    if (!more.writes) return result
    await time.sleep(pause())
    takeStep()
    if (link.life !== life) return never()
    if (link.unknownOutcome > 0 && dice.chance(link.unknownOutcome)) {
      count('commit of unknown outcome')
      untold()
      throw new StoreUnavailable('the connection broke during the commit')
    }
    if (engine !== disk.engine()) {
      untold()
      throw new StoreUnavailable('the store was started anew')
    }
    return result
  }

  function takeStep(): void {
    if (link.diesAfterSteps > 0 && --link.diesAfterSteps === 0) {
      count('node crash in the middle')
      link.die()
    }
  }

  function pause(): number {
    const usual = 0.2 + dice.next() * 2
    return link.slow > 0 && dice.chance(link.slow) ? usual + dice.next() * link.slowMilliseconds : usual
  }

  function refuseIfBroken({ writes, ring }: { writes?: boolean; ring?: boolean }): void {
    if (link.cut) throw new StoreUnavailable('the store cannot be reached')
    if (writes && link.full) throw new StoreUnavailable('the disk is full')
    if (ring && link.ringCut) throw new StoreUnavailable('the key ring cannot be read')
  }

  const engine = disk.engine
  return {
    loadIssuer: () => reach(() => engine().loadIssuer(), { ring: true }),
    loadClient: id => reach(() => engine().loadClient(id)),
    listClients: page => reach(() => engine().listClients(page)),
    countClients: origin => reach(() => engine().countClients(origin)),
    knowsWebOrigin: origin => reach(() => engine().knowsWebOrigin(origin)),
    loadUser: id => reach(() => engine().loadUser(id)),
    listUsers: page => reach(() => engine().listUsers(page)),
    loadUserByEmail: key => reach(() => engine().loadUserByEmail(key)),
    listIdentities: userId => reach(() => engine().listIdentities(userId)),
    loadUserByIdentity: (connection, subject) => reach(() => engine().loadUserByIdentity(connection, subject)),
    loadFamily: id => reach(() => engine().loadFamily(id)),
    loadSession: id => reach(() => engine().loadSession(id)),
    loadSessionOnly: id => reach(() => engine().loadSessionOnly(id)),
    loadCode: hash => reach(() => engine().loadCode(hash)),
    loadShortLived: (kind, hash) => reach(() => engine().loadShortLived(kind, hash)),
    listDue: (kind, rowsAtMost) => reach(() => engine().listDue(kind, rowsAtMost)),
    loadGrant: (userId, clientId) => reach(() => engine().loadGrant(userId, clientId)),
    listGrants: id => reach(() => engine().listGrants(id)),
    listSessionsUnder: (id, epoch) => reach(() => engine().listSessionsUnder(id, epoch)),
    listSessions: id => reach(() => engine().listSessions(id)),
    commit: change => reach(() => disk.commit(change, node), { writes: true }),
    feed: {
      get incarnation() {
        return engine().feed.incarnation
      },
      snapshot: () => reach(() => engine().feed.snapshot()),
      after: number => reach(() => engine().feed.after(number)),
      holds: (kind, id) => reach(() => engine().feed.holds(kind, id)),
      subscribe: listener => disk.subscribe(listener),
    },
    readAudit: (after, limit) => reach(() => engine().readAudit(after, limit)),
    // What is forgotten for good would have to be forgotten again after a crash; the engines' own tests sweep.
    sweep: async () => 0,
    deletePrunedAudit: async () => 0,
    close: async () => {},
  }
}

/** A process that is gone does not go on. */
function never<T>(): Promise<T> {
  return new Promise(() => {})
}
