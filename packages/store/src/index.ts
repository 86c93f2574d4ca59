export * from './counters.ts'
export * from './store.ts'
