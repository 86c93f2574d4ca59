import { auditContract } from './contract/audit-contract.ts'
import { auditPruningContract } from './contract/audit-pruning-contract.ts'
import { clientContract } from './contract/client-contract.ts'
import { codeContract } from './contract/code-contract.ts'
import { commitContract } from './contract/commit-contract.ts'
import { type Contract, createContract, type Engine, type TestApi } from './contract/contract.ts'
import { epochContract } from './contract/epoch-contract.ts'
import { feedContract } from './contract/feed-contract.ts'
import { grantContract } from './contract/grant-contract.ts'
import { identityContract } from './contract/identity-contract.ts'
import { invitationContract } from './contract/invitation-contract.ts'
import { keyRingContract } from './contract/key-ring-contract.ts'
import { loadContract } from './contract/load-contract.ts'
import { refreshContract } from './contract/refresh-contract.ts'
import { reopenContract } from './contract/reopen-contract.ts'
import { shortLivedContract } from './contract/short-lived-contract.ts'
import { sweepContract } from './contract/sweep-contract.ts'
import { uniqueContract } from './contract/unique-contract.ts'
import { storeOptions, clock as testClock } from './given.ts'
import { ringInStore } from './key-ring/ring-in-store.ts'

export type { Engine, OpenedEngine, TestApi } from './contract/contract.ts'

/** What every store engine must do. Call it in a test file with vitest's functions and a way to open the engine. */
export function storeContract(api: TestApi, engine: Engine): void {
  const contract = createContract(api, engine)
  const parts: Readonly<Record<string, (contract: Contract) => void>> = {
    'what was written is loaded': loadContract,
    'a commit': commitContract,
    'addresses and identities': uniqueContract,
    identities: identityContract,
    'refresh tokens': refreshContract,
    'authorization codes': codeContract,
    'what is short-lived': shortLivedContract,
    invitations: invitationContract,
    grants: grantContract,
    epochs: epochContract,
    'the audit log': auditContract,
    'an audit log that is cut off': auditPruningContract,
    'the feed': feedContract,
    clients: clientContract,
    'the sweep': sweepContract,
    'a store that was closed and opened again': reopenContract,
    'the key ring': () => keyRingInStore(api, engine),
  }
  for (const [name, part] of Object.entries(parts)) {
    if (part === reopenContract && !engine.reopens) continue
    api.describe(name, () => part(contract))
  }
}

function keyRingInStore(api: TestApi, engine: Engine): void {
  keyRingContract(api, {
    tells: false,
    async open() {
      const clock = testClock()
      const { store, discard } = await engine.open(storeOptions(clock))
      return { nodes: [ringInStore(store), ringInStore(store)], store, clock, discard }
    },
  })
}
