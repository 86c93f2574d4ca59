import type { PersonalFields, PersonalSeal } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { AuditPruned, type Store, type StoredAuditRow } from '@countersign/store'

/** An audit row for the operator: as it is stored and chained, and what was sealed in it. */
export interface AuditView extends StoredAuditRow {
  /** `null` if there was nothing, or its user has been erased. */
  readonly personal: PersonalFields | null
}

const rowsAtOnce = 500

/** Some of the rows after a number, in order; none: there are no more. Refused with `audit_pruned` if the next one was removed. */
export async function readAudit(
  store: Store,
  personal: PersonalSeal,
  after: number,
): Promise<readonly AuditView[] | Refusal> {
  const rows = await store.readAudit(after, rowsAtOnce).catch(refusedIfPruned)
  if ('refused' in rows) return rows
  const salts = new Map<string, Buffer | null>()
  for (const { sealedPersonal, record } of rows) {
    if (sealedPersonal === null || record.userId === undefined || salts.has(record.userId)) continue
    salts.set(record.userId, (await store.loadUser(record.userId)).user?.sealSalt ?? null)
  }
  return rows.map(row => {
    const { sealedPersonal, record } = row
    const salt = salts.get(record.userId ?? '') ?? null
    return { ...row, personal: sealedPersonal === null ? null : personal.open(sealedPersonal, salt) }
  })
}

function refusedIfPruned(error: unknown): Refusal {
  if (!(error instanceof AuditPruned)) throw error
  const { number, prunedAt } = error.anchor
  const detail = `The rows up to ${number} were removed from the audit log on ${new Date(prunedAt).toISOString()}: it can be read from after ${number}.`
  return refuse('audit_pruned', { detail })
}
