/**
 * The token handler: it keeps a web app's tokens on the app's own origin, and the browser has nothing but a cookie that no script can read
 * (`@countersign/backend/web`).
 *
 * @module
 */
export { CallFailure } from '../call-failure.ts'
export type { WebPlatform } from '../platform.ts'
export type { SessionStore, StoredSession } from './session-store.ts'
export { createMemorySessions } from './stores/memory.ts'
export { createPostgresSessions, type PostgresPool } from './stores/postgres.ts'
export { createSqliteSessions, type SqliteDatabase } from './stores/sqlite.ts'
export { createTokenHandler, type TokenHandler, type TokenHandlerOptions } from './token-handler.ts'
export type { UsableToken } from './usable-token.ts'
export type { Person } from './web-login.ts'
