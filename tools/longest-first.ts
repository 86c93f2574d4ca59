import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Test files that take longest, on a machine that has run none of them yet: what is begun last is waited for alone. The rest goes by size,
 * as Vitest does it.
 */
const longest: readonly string[] = [
  'simulation/src/simulation.test.ts',
  'simulation/src/breakages/breakages.test.ts',
  'comparison/src/comparison.test.ts',
  'packages/cli/src/nodes-on-postgres.test.ts',
  'packages/store-postgres/src/postgres-store.test.ts',
  'packages/cli/src/copy-store.test.ts',
  'packages/cli/src/keys-on-nodes.test.ts',
  'simulation/src/command-line.test.ts',
  'simulation/src/explore/explore.test.ts',
  'packages/store-sqlite/src/storage.test.ts',
  'e2e/demo.test.ts',
  'e2e/faults-on-postgres.test.ts',
  'e2e/kill.test.ts',
  'e2e/cluster.test.ts',
  'e2e/app-sdk.test.ts',
  'e2e/races-on-postgres.test.ts',
  'e2e/turns-of-keys.test.ts',
  'e2e/real-faults.test.ts',
  'e2e/failover-on-postgres.test.ts',
  'e2e/documents.test.ts',
  'e2e/kill-under-load.test.ts',
  'e2e/operator.test.ts',
  'e2e/pages-audit.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = longest.findIndex(file => moduleId.endsWith(`/${file}`))
      return index === -1 ? longest.length : index
    }
    return (await super.sort(files)).sort((one, other) => place(one) - place(other))
  }
}
