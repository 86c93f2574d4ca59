import { defineConfig } from 'vitest/config'

/** Tests run on the sources, as `npm start` does. */
// Not 'import': the workers take these for `require` too, and then Express gets the wrong half of its packages.
const conditions = ['@countersign/source', 'module', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // What a passing test prints is not worth a line; what a failing one prints is.
    silent: 'passed-only',
    testTimeout: 30_000,
    hookTimeout: 60_000,
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
          ],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['e2e/testing/bundled-command.ts'],
          // Afterwards: a browser and a server want the cores for themselves. Two files at a time, since much of it is waiting.
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
