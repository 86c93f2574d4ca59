/**
 * Which package may import which: the one table, enforced by `import-rules.ts` and cited by ARCHITECTURE.md.
 * Read a row as "core imports protocol and nothing else of the house".
 *
 * @module
 */

// region directions
export const importDirections: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  core: ['protocol'],
  store: ['core', 'protocol'],
  'store-sqlite': ['store', 'core', 'protocol'],
  'store-postgres': ['store', 'core', 'protocol'],
  'store-valkey': ['store', 'core', 'protocol'],
  'ring-etcd': ['store', 'core', 'protocol'],
  'ring-zookeeper': ['store', 'core', 'protocol'],
  connections: ['protocol'],
  server: ['core', 'store', 'protocol', 'verify', 'connections'],
  verify: ['protocol'],
  app: ['protocol'],
  backend: ['protocol'],
  console: [],
  cli: ['*'],
}
// endregion

/** Folders beside `packages/` may import whatever a package publishes. Nothing in `packages/` imports them. */
export const freeFolders: readonly string[] = ['bench', 'comparison', 'e2e', 'examples', 'simulation', 'tools']

/** Node's own modules that a package may import; a package that is not listed may import all. */
export const allowedNodeModules: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  app: [],
  // Functions of their arguments only.
  core: ['node:crypto', 'node:buffer', 'node:url', 'node:util'],
}
