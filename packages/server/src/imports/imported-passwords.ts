import type { ImportedWork } from '@countersign/core'
import { canonicalJson, isRefusal, type Refusal } from '@countersign/protocol'
import { withWork } from '../passwords/imported-work.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'

/** How many users have not signed in since they came, by how their hashes were made. */
export interface ImportedPasswords {
  readonly hash: string
  readonly users: number
}

const usersAtOnce = 1_000

/** Counts the imported hashes that are left. What none is left of does not cost the sign-ins any more. */
export async function countImportedPasswords(services: Services): Promise<readonly ImportedPasswords[] | Refusal> {
  for (;;) {
    const counted = await countOnce(services)
    if (isRefusal(counted)) return counted
    // What was imported while we counted may be missing from what was just written.
    if (!counted.isNew) return [...counted.users].sort().map(([hash, users]) => ({ hash, users }))
  }
}

interface Counted {
  readonly users: ReadonlyMap<string, number>
  /** The issuer's row said something else. */
  readonly isNew: boolean
}

function countOnce(services: Services): Promise<Counted | Refusal> {
  return decideAndCommit<Counted>(services, async () => {
    const { issuer, now } = await services.store.loadIssuer()
    const { users, work } = await countAll(services)
    if (canonicalJson(issuer.importedWork ?? {}) === canonicalJson(work)) return { result: { users, isNew: false } }
    const { importedWork: _, ...others } = issuer
    const row = Object.keys(work).length === 0 ? others : { ...issuer, importedWork: work }
    const writes = [{ table: 'issuer' as const, row }]
    return { result: { users, isNew: true }, change: { writes, audit: [], entries: [], durable: true, time: now } }
  })
}

async function countAll({ store, passwords }: Services): Promise<{ users: Map<string, number>; work: ImportedWork }> {
  const users = new Map<string, number>()
  let work: ImportedWork = {}
  let after: string | undefined
  for (;;) {
    const page = await store.listUsers({ limit: usersAtOnce, ...(after !== undefined && { after }) })
    for (const { passwordHash } of page) {
      const hash = passwordHash === null ? undefined : passwords.read(passwordHash)
      if (hash?.derivation === undefined) continue
      users.set(hash.scheme, (users.get(hash.scheme) ?? 0) + 1)
      work = withWork(work, hash.derivation) ?? work
    }
    after = page.at(-1)?.id
    if (after === undefined || page.length < usersAtOnce) return { users, work }
  }
}
