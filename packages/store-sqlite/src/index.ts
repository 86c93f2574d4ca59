export * from './open-sqlite-store.ts'
export { readWholeStore, type WholeStore } from './read-whole-store.ts'
export type { TableOfStore } from './table-pages.ts'
