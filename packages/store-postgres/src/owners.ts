import { StoreUnavailable } from '@countersign/store'
import type { Transaction } from './database.ts'
import { quotedText } from './statements.ts'

/**
 * Whoever owns a schema, a table or a function can put something else in its place, which then runs with our rights or reads what we write. That may be the node's
 * role, a superuser and the owner of the database, who could do so anyway, and a role that one of these two has made the node's a member of. Any other membership does
 * not count: whoever has a role to give could make the node's a member of it, and so own what is meant to be ours.
 */
export async function refuseForeignOwners(from: Pick<Transaction, 'script'>, schema: string): Promise<void> {
  const inSchema = `JOIN pg_namespace n ON n.nspname = ${quotedText(schema)} AND n.oid =`
  const [foreign] = await from.script(`WITH RECURSIVE mighty AS (
      SELECT oid FROM pg_roles WHERE rolsuper OR rolname = 'pg_database_owner'
      UNION SELECT datdba FROM pg_database WHERE datname = current_database()
    ), own AS (
      SELECT oid FROM pg_roles WHERE rolname = current_user
      UNION SELECT m.roleid FROM own JOIN pg_auth_members m ON m.member = own.oid AND m.grantor IN (SELECT oid FROM mighty)
    ), owned AS (
      SELECT 1 AS place, '' AS what, nspowner AS owner FROM pg_namespace WHERE nspname = ${quotedText(schema)}
      UNION ALL SELECT 2, relname, relowner FROM pg_class ${inSchema} relnamespace
      UNION ALL SELECT 3, proname, proowner FROM pg_proc ${inSchema} pronamespace
    )
    SELECT what, pg_get_userbyid(owner) FROM owned
    WHERE owner NOT IN (SELECT oid FROM own UNION SELECT oid FROM mighty) ORDER BY place, what LIMIT 1`)
  if (foreign === undefined) return
  const [what, owner] = foreign as [string, string]
  const whose = what === '' ? `the schema ${schema}` : `${what} in the schema ${schema}`
  throw new StoreUnavailable(
    `${whose} belongs to the role ${owner}, who could put something else in its place: it must belong to this node's role, to a superuser or to the owner of the database`,
  )
}
