export * from './open-sqlite-store.ts'
export { readWholeStore, type TableOfStore, type WholeStore } from './read-whole-store.ts'
