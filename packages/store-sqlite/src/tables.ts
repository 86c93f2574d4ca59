import type { DatabaseSync } from 'node:sqlite'
import {
  type AuditAnchor,
  auditAnchorHash,
  type Change,
  deletedNext,
  isShortLivedWrite,
  type User,
  type Write,
} from '@countersign/core'
import type { StoreOptions } from '@countersign/store'
import { type AuditLog, openAuditLog } from './audit-log.ts'
import { type Clients, openClients } from './clients.ts'
import { openFamilyWrites } from './families.ts'
import { type Feed, openFeed } from './feed.ts'
import { openGrants } from './grants.ts'
import type { Heads } from './group-commit.ts'
import { openIdentities } from './identities.ts'
import { openIssuer, openKeyRing } from './issuer.ts'
import { openReads, type Reads } from './reads.ts'
import { openSessionWrites } from './sessions.ts'
import { openShortLived } from './short-lived.ts'
import { openSweep, type Sweep } from './sweep.ts'
import { openUsers } from './users.ts'

/** Everything that speaks SQL, prepared once. */
export interface Tables {
  readonly reads: Reads
  /** Applies a change inside a transaction; false: a row was at another version. */
  readonly apply: (change: Change) => boolean
  readonly audit: AuditLog
  readonly auditAnchor: () => AuditAnchor | undefined
  /** Deletes audit rows up to the anchor, inside a transaction; says how many went. */
  readonly deletePrunedAudit: (rowsAtMost: number) => number
  readonly feed: Feed
  readonly sweep: Sweep
  readonly heads: Heads
}

export function openTables(database: DatabaseSync, options: StoreOptions): Tables {
  const issuer = openIssuer(database, options.seed.incarnation)
  const keyRing = openKeyRing(database)
  const clients: Clients = openClients(database)
  const users = openUsers(database)
  const identities = openIdentities(database)
  const grants = openGrants(database, clients)
  const shortLived = openShortLived(database)
  const putSession = openSessionWrites(database, clients)
  const families = openFamilyWrites(database, clients)
  const audit = openAuditLog(database)
  // Each start is a history of its own: the files may have been put back from a copy since, and numbers would be given a second time.
  const incarnation = `${issuer.load().incarnation}-${options.seed.incarnation}`
  const feed = openFeed(database, { clock: options.clock, incarnation })
  const reads = openReads(database, {
    issuer,
    keyRing,
    clients,
    users,
    identities,
    grants,
    shortLived,
    clock: options.clock,
  })

  function eraseWith(user: User): true {
    if (user.deletedAt !== null) identities.erase(user)
    return true
  }

  function put(write: Write): boolean {
    if (isShortLivedWrite(write)) return shortLived.put(write)
    switch (write.table) {
      case 'issuer':
        return issuer.put(write.row)
      case 'keyRing':
        return keyRing.put(write.row)
      case 'client':
        return clients.put(write.row)
      case 'user':
        return users.put(write.row) && eraseWith(write.row)
      case 'identity':
        return identities.put(write.row)
      case 'session':
        return putSession(write.row)
      case 'family':
        return write.endsOnly ? families.end(write.row) : families.put(write.row)
      case 'grant':
        return grants.put(write.row)
    }
  }

  const auditAnchor = (): AuditAnchor | undefined => shortLived.load('auditAnchor', auditAnchorHash)

  return {
    reads,
    auditAnchor,
    deletePrunedAudit(rowsAtMost) {
      const next = deletedNext(auditAnchor(), rowsAtMost)
      return next && shortLived.put({ table: 'auditAnchor', row: next }) ? audit.deleteThrough(next.deletedThrough) : 0
    },
    apply(change) {
      for (const write of change.writes) if (!put(write)) return false
      for (const record of change.audit) {
        const { personal, userId } = record
        const salt = personal === undefined || userId === undefined ? null : users.sealSalt(userId)
        audit.append(record, personal === undefined ? null : options.sealPersonal(personal, salt))
      }
      for (const entry of change.entries) feed.append(entry)
      return true
    },
    audit,
    feed,
    sweep: openSweep(database, clients, feed),
    heads: {
      mark() {
        const auditHead = audit.head()
        const feedHead = feed.head()
        return () => {
          audit.resetTo(auditHead)
          feed.resetTo(feedHead)
          clients.forget()
        }
      },
      committed() {
        const number = feed.head()
        return () => feed.becomesDurable(number)
      },
    },
  }
}
