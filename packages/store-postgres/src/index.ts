export {
  migratePostgres,
  openPostgresStore,
  type PostgresOptions,
  type PostgresStoreOptions,
} from './open-postgres-store.ts'
