export * from './lane.ts'
export * from './shared-counters.ts'
export * from './tell-commits.ts'
export * from './use-once.ts'
