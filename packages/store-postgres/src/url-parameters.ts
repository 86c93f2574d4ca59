/*
 * What people find in the connection strings that PostgreSQL's hosts, libpq and other drivers hand out.
 */

/** What may stand in a URL: a word of these, or anything that the expression fits. `must`: what to say of anything else. */
export interface UrlParameter {
  readonly fits: readonly string[] | RegExp
  readonly must?: string
}

const anything: UrlParameter = { fits: /^.+$/s, must: 'must not be empty' }
const port = /^([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/

/** The ones that are honoured. */
export const parameters: Readonly<Record<string, UrlParameter>> = {
  sslmode: { fits: ['verify-full', 'verify-ca', 'require', 'prefer', 'no-verify', 'disable'] },
  sslrootcert: {
    fits: /^(?!system$).+$/s,
    must: 'must be the path of a file. Of the authorities that Node knows itself nothing need be said: leave it out',
  },
  sslcert: anything,
  sslkey: anything,
  sslnegotiation: { fits: ['postgres', 'direct'] },
  ssl: { fits: ['true', '1', '0'] },
  uselibpqcompat: { fits: ['true'] },
  channel_binding: { fits: ['require', 'prefer', 'disable'] },
  gssencmode: { fits: ['disable'] },
  host: { fits: /^[^,]+$/s, must: 'must be one host: several stand before the path, with commas between them' },
  port: { fits: port, must: 'must be a number from 1 to 65535' },
  user: anything,
  password: anything,
  application_name: anything,
  options: anything,
  client_encoding: { fits: ['UTF8', 'utf8'] },
  connect_timeout: { fits: /^[1-9]\d{0,5}$/, must: 'must be a whole number of seconds, from 1' },
  keepalives: { fits: ['1'] },
  keepalives_idle: { fits: /^[1-9]\d{0,5}$/, must: 'must be a whole number of seconds, from 1' },
  pgbouncer: { fits: ['true', 'false'] },
  target_session_attrs: {
    fits: ['primary', 'read-write', 'any'],
    must: 'must be primary, read-write or any: a node uses the primary in any case',
  },
}

const patience = 'leave it out: database_patience_seconds says how long an answer is waited for'
const probes =
  'leave it out: the system decides on it, and what has no answer is given up after database_patience_seconds'

/** Of others': what to do in their place. */
export const elsewhere: Readonly<Record<string, string>> = {
  connection_limit: 'leave it out: database_connections says how many connections a node opens',
  pool_timeout: patience,
  socket_timeout: patience,
  statement_timeout: patience,
  lock_timeout: patience,
  query_timeout: patience,
  idle_in_transaction_session_timeout: patience,
  keepalives_interval: probes,
  keepalives_count: probes,
  tcp_user_timeout: probes,
  statement_cache_size: 'leave it out: database_named_statements false is what does without named statements',
  prepared_statements: 'leave it out: database_named_statements false is what does without named statements',
  schema: 'leave it out: everything is kept in the schema countersign',
  currentschema: 'leave it out: everything is kept in the schema countersign',
  supa: 'leave it out; of a pooler in transaction mode (port 6543) say pgbouncer=true in its place',
  sslaccept: 'say sslmode=verify-full (strict) or sslmode=no-verify (accept_invalid_certs) in its place',
  sslidentity: 'say sslcert and sslkey in its place: PEM, without a passphrase',
  sslpassword: 'keys with a passphrase are not read: give sslkey one without',
  sslcrl: 'lists of revoked certificates are not read: leave it out only if you can do without',
  sslcrldir: 'lists of revoked certificates are not read: leave it out only if you can do without',
  ssl_min_protocol_version: 'leave it out: it is TLS 1.2 at least, and 1.3 with NODE_OPTIONS=--tls-min-v1.3',
  ssl_max_protocol_version: 'leave it out: NODE_OPTIONS=--tls-max-v1.2 is what limits it',
  require_auth: 'say channel_binding=require in its place: it lets nothing but SCRAM over TLS pass',
  requirepeer: 'who serves a socket is not looked at: give its folder to that user alone, and leave it out',
  dbname: 'the name of the database stands in the path, behind the host',
  hostaddr: 'the address stands before the path, or in host',
  passfile: 'the password stands in the URL, or in PGPASSWORD',
  service: 'services are not read: write out what it says',
  load_balance_hosts: 'leave it out: a node uses the primary',
}
