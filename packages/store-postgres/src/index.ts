export type { AuditImport } from './import-audit.ts'
export {
  importAuditInto,
  migratePostgres,
  openPostgresStore,
  type PostgresOptions,
  type PostgresStoreOptions,
  unfinishedCopy,
} from './open-postgres-store.ts'
