import { familyColumnCount, familyColumns } from './families.ts'
import { grantColumnCount, grantColumns } from './grants.ts'
import { identityColumns } from './identities.ts'
import { sessionColumnCount, sessionColumns } from './sessions.ts'
import { nowText, snapshotColumnCount, snapshotColumns } from './snapshots.ts'
import { askedText, type Statement } from './statements.ts'
import { userColumnCount, userColumns } from './users.ts'

/** Where the rows of a login begin in `loginColumns`. */
export const sessionAt: number = snapshotColumnCount
export const userAt: number = sessionAt + sessionColumnCount
export const loginEnd: number = userAt + userColumnCount
/** Behind a login: a family, the grant of its user and client, its client. */
export const grantAt: number = loginEnd + familyColumnCount
export const clientAt: number = grantAt + grantColumnCount
const loginColumns = `${snapshotColumns}, ${sessionColumns}, ${userColumns}`
const familyWithGrant = `${familyColumns}, ${grantColumns}, c.body`
/** The only row, as the planner should know: it takes a table that was never analyzed for a thousand. */
const issuer = '(SELECT body FROM countersign.issuer LIMIT 1) i'
const userOnly = `SELECT ${snapshotColumns}, ${userColumns} FROM ${issuer}`
const grantOfFamily =
  'LEFT JOIN countersign.user_grant g ON f.epoch_grant IS NOT NULL AND g.user_id = s.user_id AND g.client_id = f.client_id'
const asked = `${issuer} CROSS JOIN ${askedText('id', '$2::uuid[]')}`
const askedUsers = `SELECT ${snapshotColumns}, ${userColumns}, asked.place FROM ${asked} LEFT JOIN countersign.user u ON u.id = asked.id`

export type ReadStatements = Readonly<
  Record<
    | 'issuer'
    | 'clientPage'
    | 'clientPageOf'
    | 'clientCount'
    | 'webOrigin'
    | 'clientsById'
    | 'usersById'
    | 'userPage'
    | 'userByEmail'
    | 'usersByIdentity'
    | 'identitiesOf'
    | 'families'
    | 'sessionsOnly'
    | 'sessionsWithFamilies'
    | 'sessionsOfUsers'
    | 'code'
    | 'shortLived'
    | 'due'
    | 'sessionsUnder'
    | 'oneGrant'
    | 'grants',
    Statement
  >
>

function clientPageText(page: string): string {
  return `SELECT ${snapshotColumns}, c.body FROM ${issuer}
    LEFT JOIN (SELECT id, body FROM countersign.client WHERE ${page}) c ON true ORDER BY c.id`
}

/** Of the issuer and the clients. */
function openClientStatements(
  statement: (text: string) => Statement,
): Pick<ReadStatements, 'issuer' | 'clientPage' | 'clientPageOf' | 'clientCount' | 'webOrigin' | 'clientsById'> {
  return {
    issuer: statement(`SELECT ${snapshotColumns}, k.body FROM ${issuer} CROSS JOIN countersign.key_ring k`),
    clientPage: statement(clientPageText('id > $2 ORDER BY id LIMIT $3')),
    clientPageOf: statement(clientPageText('id > $2 AND origin = $4 ORDER BY id LIMIT $3')),
    clientCount: statement(
      `SELECT ${snapshotColumns}, (SELECT count(*) FROM countersign.client WHERE origin = $2) FROM ${issuer}`,
    ),
    webOrigin: statement(
      `SELECT ${snapshotColumns}, EXISTS (SELECT FROM countersign.client WHERE web_origins @> ARRAY[$2::text])
       FROM ${issuer}`,
    ),
    clientsById: statement(
      `SELECT ${snapshotColumns}, c.body FROM ${issuer} CROSS JOIN ${askedText('id', '$2::text[]')} LEFT JOIN countersign.client c ON c.id = asked.id`,
    ),
  }
}

/** The snapshots in SQL. Outer joins from the issuer: there is a row, and so a time, whatever is not found. */
export function openReadStatements(statement: (text: string) => Statement): ReadStatements {
  return {
    ...openClientStatements(statement),
    usersById: statement(askedUsers),
    userPage: statement(
      `${userOnly} LEFT JOIN (SELECT * FROM countersign.user WHERE id > $2 ORDER BY id LIMIT $3) u ON true ORDER BY u.id`,
    ),
    userByEmail: statement(`${userOnly} LEFT JOIN countersign.user u ON u.email_key = $2`),
    usersByIdentity: statement(
      `SELECT ${snapshotColumns}, ${userColumns}, ${identityColumns}, asked.place FROM ${issuer}
     CROSS JOIN ${askedText('connection, subject', '$2::text[]', '$3::text[]')}
     LEFT JOIN countersign.identity d ON d.connection = asked.connection AND d.subject = asked.subject
     LEFT JOIN countersign.user u ON u.id = d.user_id AND d.unlinked_at IS NULL`,
    ),
    identitiesOf: statement(
      `SELECT ${snapshotColumns}, ${identityColumns} FROM ${issuer}
     LEFT JOIN countersign.identity d ON d.user_id = $2 AND d.unlinked_at IS NULL`,
    ),
    families: statement(
      `SELECT ${loginColumns}, ${familyWithGrant}, asked.place FROM ${asked} LEFT JOIN countersign.family f ON f.id = asked.id
     LEFT JOIN countersign.session s ON s.id = f.session_id LEFT JOIN countersign.user u ON u.id = s.user_id
     LEFT JOIN countersign.client c ON c.id = f.client_id ${grantOfFamily}`,
    ),
    sessionsOnly: statement(
      `SELECT ${loginColumns}, asked.place FROM ${asked} LEFT JOIN countersign.session s ON s.id = asked.id
     LEFT JOIN countersign.user u ON u.id = s.user_id`,
    ),
    sessionsWithFamilies: statement(
      `SELECT ${loginColumns}, ${familyColumns}, asked.place FROM ${asked} LEFT JOIN countersign.session s ON s.id = asked.id
     LEFT JOIN countersign.user u ON u.id = s.user_id LEFT JOIN countersign.family f ON f.session_id = s.id ORDER BY f.id`,
    ),
    sessionsOfUsers: statement(
      `SELECT ${loginColumns}, ${familyWithGrant}, asked.place FROM ${asked} LEFT JOIN countersign.user u ON u.id = asked.id
     LEFT JOIN countersign.session s ON s.user_id = u.id LEFT JOIN countersign.family f ON f.session_id = s.id
     LEFT JOIN countersign.client c ON c.id = f.client_id ${grantOfFamily} ORDER BY f.id`,
    ),
    code: statement(
      `SELECT ${loginColumns}, ${familyWithGrant}, k.body FROM ${issuer}
     LEFT JOIN countersign.short_lived k ON k.kind = 'code' AND k.hash = $2
     LEFT JOIN countersign.session s ON s.id = k.session_id LEFT JOIN countersign.user u ON u.id = s.user_id
     LEFT JOIN countersign.client c ON c.id = k.client_id
     LEFT JOIN countersign.user_grant g ON g.user_id = u.id AND g.client_id = k.client_id
     LEFT JOIN countersign.family f ON f.session_id = s.id
       AND (f.id = k.family_id OR (f.client_id = k.client_id AND f.ended_at IS NULL)) ORDER BY f.id`,
    ),
    shortLived: statement(
      `SELECT ${snapshotColumns}, k.body FROM ${issuer}
     LEFT JOIN countersign.short_lived k ON k.kind = $2 AND k.hash = $3`,
    ),
    due: statement(
      `SELECT ${snapshotColumns}, k.body FROM ${issuer} LEFT JOIN LATERAL (
         SELECT body, due_at, hash FROM countersign.short_lived WHERE kind = $2 AND due_at <= ${nowText}
         ORDER BY due_at, hash LIMIT $3) k ON true ORDER BY k.due_at, k.hash`,
    ),
    sessionsUnder: statement(
      `SELECT ${loginColumns}, ${familyColumns} FROM ${issuer} LEFT JOIN countersign.user u ON u.id = $2
     LEFT JOIN countersign.session s ON s.user_id = u.id AND s.epoch_user = $3 AND s.ended_at IS NULL
     LEFT JOIN countersign.family f ON f.session_id = s.id ORDER BY f.id`,
    ),
    oneGrant: statement(
      `SELECT ${snapshotColumns}, ${grantColumns} FROM ${issuer}
     LEFT JOIN countersign.user_grant g ON g.user_id = $2 AND g.client_id = $3`,
    ),
    grants: statement(
      `SELECT ${snapshotColumns}, ${grantColumns} FROM ${issuer}
     LEFT JOIN countersign.user_grant g ON g.user_id = $2`,
    ),
  }
}
