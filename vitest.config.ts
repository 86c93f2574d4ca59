import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tools/longest-first.ts'

/** Tests run on the sources, as `npm start` does. */
// Not 'import': the workers take these for `require` too, and then Express gets the wrong half of its packages.
const conditions = ['@countersign/source', 'module', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // What is waited for comes, on a busy machine after a while. By default it must come within a second.
    expect: { poll: { timeout: 20_000 } },
    // What a passing test prints is not worth a line; what a failing one prints is.
    silent: 'passed-only',
    // Nothing is measured by these: a busy machine takes its time, and what hangs is found all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'near',
          include: [
            'packages/*/src/**/*.test.ts',
            'tools/**/*.test.ts',
            'examples/**/*.test.ts',
            'simulation/**/*.test.ts',
            'comparison/**/*.test.ts',
            'bench/**/*.test.ts',
          ],
          // Files share a process and load the house's modules once in it: a third of their time is saved. Nothing in a module is changed for a
          // test; what a file changes elsewhere ends with it.
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
          unstubGlobals: true,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['e2e/testing/bundled-command.ts'],
          // Afterwards: a browser and a server want the cores for themselves. Three files at a time, since much of it is waiting.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
