import { parseStrictObject, type Refusal, refuse } from '@countersign/protocol'
import type { Admin } from '@countersign/server'
import * as z from 'zod'

/** Until when: `before`, milliseconds since 1970, or so many days ago. */
const wantedCut = z.union([
  z.strictObject({ dry_run: z.boolean(), before: z.int() }),
  z.strictObject({ dry_run: z.boolean(), days: z.int().min(0) }),
])

export async function runPruneAudit(admin: Admin, argument: string): Promise<object | Refusal> {
  const asked = wantedCut.safeParse(parseStrictObject(argument))
  if (!asked.success) return refuse('request_malformed')
  const { dry_run: isDryRun, ...wanted } = asked.data
  return admin.pruneAudit(wanted, { isDryRun })
}
