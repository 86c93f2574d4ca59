import { join } from 'node:path'
import type { Store, StoreOptions, StoreUnavailable } from '@countersign/store'
import type { PostgresOptions, PostgresStoreOptions } from '@countersign/store-postgres'
import { openSqliteStore } from '@countersign/store-sqlite'
import type { Configuration } from './configuration.ts'
import { storeFile } from './data-folder.ts'

/** The engine that the configuration names, loaded and opened: the only place that knows which there are. */
export async function openStore(
  configuration: Configuration,
  options: StoreOptions & { readonly folder: string; readonly onLost?: (failure: StoreUnavailable) => void } & Pick<
      PostgresStoreOptions,
      'onClock' | 'onLook'
    >,
): Promise<Store> {
  const { folder, clock, onClock, onLook, ...rest } = options
  const postgres = postgresOptions(configuration)
  if (postgres === undefined) return openSqliteStore({ ...rest, clock, file: join(folder, storeFile) })
  const { openPostgresStore } = await import('@countersign/store-postgres')
  const { database_listen: listen } = configuration
  // The database's clock is the store's: all nodes have one.
  return openPostgresStore({
    ...rest,
    ...postgres,
    ...(onClock && { onClock }),
    ...(onLook && { onLook }),
    ...(listen !== undefined && { listenUrl: listen === 'off' ? null : listen }),
  })
}

/** How the configured database is reached; `undefined`: there is none, everything is in the data folder. */
export function postgresOptions(configuration: Configuration): PostgresOptions | undefined {
  const { database, database_connections: connections, database_named_statements: namedStatements } = configuration
  const patienceMs = configuration.database_patience_seconds * 1000
  return database === undefined ? undefined : { url: database, connections, namedStatements, patienceMs }
}
