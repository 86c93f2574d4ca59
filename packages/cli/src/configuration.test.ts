import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { declareClient, defaultRefreshPolicy } from '@countersign/core'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { openDataFolder } from './data-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-configuration-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = 'a-secret-0123456789abcdef0123456789abcdef'

function fileOf(value: unknown): string {
  const file = join(folder, 'countersign.json')
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value))
  return file
}

function problemOf(value: unknown, more: { flags?: object; environment?: Record<string, string> } = {}): string {
  try {
    readConfiguration({ file: fileOf(value), environment: more.environment ?? {}, flags: { ...more.flags } })
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

describe('a connection that cannot work does not start, and is named', () => {
  const google = { name: 'google', client_id: 'x', client_secret: 'y' }
  test.each([
    [[{ name: 'google', client_id: 'x' }], 'connections.google.client_secret: is needed'],
    [[{ name: 'work', client_id: 'x', client_secret: 'y' }], 'connections.work.issuer: is needed, or a preset'],
    [[google, google], 'connections: must name each connection once'],
    [[{ ...google, scope: ['openid'] }], 'connections.google: "scope" is not a key. Did you mean scopes?'],
    [[{ ...google, preset: 'gogle' }], 'connections.google.preset'],
  ])('%j', (connections, problem) => {
    expect(problemOf({ connections })).toContain(problem)
  })

  test('a secret is never shown', () => {
    expect(problemOf({ connections: [{ ...google, client_secret: 7, private_key: secret }] })).not.toContain(secret)
  })

  test('one that can is read, from the environment too', () => {
    const environment = { COUNTERSIGN_CONNECTIONS: JSON.stringify([google]) }
    expect(readConfiguration({ environment, flags: {} }).connections).toEqual([google])
  })
})

describe('what contradicts itself does not start, and names client and key', () => {
  test.each([
    [{ id: 'app', direct_login: true }, 'clients.app.direct_login: needs first_party: true'],
    [
      { id: 'web', first_party: true, direct_login: true, secrets: [secret] },
      'clients.web.direct_login: is for public clients',
    ],
    [
      { id: 'job', grant_types: ['client_credentials'] },
      'clients.job.grant_types: client_credentials needs secrets or keys',
    ],
    [{ id: 'app', scopes: ['notes read'] }, 'clients.app.scopes.0: must be one word'],
    [
      { id: 'app', scopes: ['notes'], default_scopes: ['mail'] },
      'clients.app.default_scopes: must all be among scopes',
    ],
    [
      { id: 'app', redirect_uris: ['javascript:alert(1)'] },
      'clients.app.redirect_uris: holds a redirect URI that is not allowed: javascript:…. It must be an https: address',
    ],
    [{ id: 'app', scopes: ['introspection'] }, 'clients.app.scopes: without secret and key it cannot have'],
    [
      { id: 'web', secrets: [secret], authentication_method: 'none' },
      'clients.web.authentication_method: none does not go with secrets',
    ],
    [{ id: 'web', authentication_method: 'client_secret_post' }, 'clients.web.authentication_method: needs secrets'],
    [
      { id: 'job', authentication_method: 'private_key_jwt' },
      'clients.job.authentication_method: private_key_jwt needs jwks or jwks_uri',
    ],
    [{ id: 'job', jwks: [{ kty: 'EC', d: secret }] }, 'clients.job.jwks: holds a secret key'],
    [
      { id: 'job', jwks: [{ kty: 'EC' }], jwks_uri: 'https://job.example/jwks' },
      'clients.job.jwks_uri: does not go with jwks',
    ],
    [
      { id: 'app', subject_type: 'pairwise', redirect_uris: ['https://a.example/', 'https://b.example/'] },
      'clients.app.sector_identifier: is needed',
    ],
    [{ id: 'app', backchannel_logout_uri: 'ftp://x' }, 'clients.app.backchannel_logout_uri: must be a web address'],
  ])('%j', (client, message) => {
    const said = problemOf({ clients: [client] })
    expect(said).toContain(message)
    expect(said).not.toContain(secret)
  })
})

describe('what is allowed and probably not meant', () => {
  const placeholder = 'replace-this-by-32-random-bytes-of-your-own'
  const clients = [
    { id: 'api', secrets: [placeholder], scopes: ['introspection', 'revocation', 'notes:read'] },
    { id: 'other', secrets: [secret], scopes: ['sessions:manage', 'email'] },
  ]
  const notes = (more: object, environment: Record<string, string> = {}): readonly string[] =>
    readConfiguration({ file: fileOf({ clients, ...more }), environment, flags: {} }).notes

  test('placeholders of the examples and near misses of the server’s own scopes are said at the start', () => {
    const said = [
      'secrets of api are placeholders: for this machine alone',
      'clients.api.scopes: "revocation" is none of the server\'s own; revocations is',
    ]
    for (const issuer of [undefined, 'http://127.0.0.1:4400', 'http://localhost:4400', 'http://[::1]:4400']) {
      expect(notes({ issuer })).toEqual(said)
    }
    expect(notes({ clients: [] })).toEqual([])
  })

  test('placeholders do not start under an issuer for others', () => {
    const said = problemOf({ issuer: 'https://login.example.com', clients })
    expect(said).toContain('clients.api.secrets: holds a placeholder of the examples')
    expect(said).not.toContain('clients.other')
    expect(said).not.toContain(placeholder)
  })

  test.each([
    ['COUNTERSIGN_ISUER', 'COUNTERSIGN_ISSUER'],
    ['COUNTERSIGN_CLIENT', 'COUNTERSIGN_CLIENTS'],
    ['COUNTERSIGN_MASTERKEY', 'COUNTERSIGN_MASTER_KEY'],
    ['COUNTERSIGN_PORTS', 'COUNTERSIGN_PORT'],
    ['COUNTERSIGN_PROT', 'COUNTERSIGN_PORT'],
    ['COUNTERSIGN_DB', 'COUNTERSIGN_DATABASE'],
    ['COUNTERSIGN_DATABASE_URL', 'COUNTERSIGN_DATABASE'],
    ['COUNTERSIGN_DRAIN_NOTICE', 'COUNTERSIGN_DRAIN_NOTICE_SECONDS'],
    ['COUNTERSIGN_DRAIN', 'COUNTERSIGN_DRAIN_SECONDS or COUNTERSIGN_DRAIN_NOTICE_SECONDS'],
    ['COUNTERSIGN_SMTP', 'COUNTERSIGN_SMTP_URL'],
    ['COUNTERSIGN_JOURNAL', 'COUNTERSIGN_REVOCATION_JOURNAL'],
  ])('a variable that nobody reads does not start: %s', (name, meant) => {
    const said = problemOf({}, { environment: { [name]: secret } })
    expect(said).toMatch(`:\n  ${name} is not a setting. Did you mean ${meant}?`)
    expect(said).not.toContain(secret)
  })

  test('one that is like none is refused too; an empty one says nothing', () => {
    expect(problemOf({}, { environment: { COUNTERSIGN_XYZZY: secret } })).toMatch(
      '  COUNTERSIGN_XYZZY is not a setting, and names that begin with COUNTERSIGN_ are for settings alone.',
    )
    expect(problemOf({}, { environment: { COUNTERSIGN_XYZZY: '' } })).toBe('accepted')
  })

  test('the programs of tests may be named, an address under such a name is a setting that was meant', () => {
    const programs = { COUNTERSIGN_POSTGRES: '/usr/lib/postgresql/17/bin', COUNTERSIGN_REDIS: 'redis-server' }
    expect(problemOf({}, { environment: { ...programs, COUNTERSIGN_DEMO_API_SECRET: secret } })).toBe('accepted')
    const addresses = { COUNTERSIGN_POSTGRES: 'postgres://db/logins', COUNTERSIGN_REDIS: 'redis://db' }
    const said = problemOf({}, { environment: addresses })
    expect(said).toContain('COUNTERSIGN_POSTGRES is not a setting. Did you mean COUNTERSIGN_DATABASE?')
    expect(said).toContain('COUNTERSIGN_REDIS is not a setting. Did you mean COUNTERSIGN_VALKEY?')
  })

  test('what Kubernetes says of Services that are called countersign, or begin so, is no setting and stops no start', () => {
    const environment = {
      COUNTERSIGN_SERVICE_HOST: '10.0.0.1',
      COUNTERSIGN_SERVICE_PORT: '3000',
      COUNTERSIGN_SERVICE_PORT_HTTP: '3000',
      COUNTERSIGN_PORT: 'tcp://10.0.0.1:3000',
      COUNTERSIGN_PORT_3000_TCP: 'tcp://10.0.0.1:3000',
      COUNTERSIGN_PORT_3000_TCP_PROTO: 'tcp',
      COUNTERSIGN_PORT_3000_TCP_PORT: '3000',
      COUNTERSIGN_PORT_3000_TCP_ADDR: '10.0.0.1',
      COUNTERSIGN_METRICS_PORT: 'tcp://10.0.0.2:9090',
      COUNTERSIGN_METRICS_PORT_9090_TCP: 'tcp://10.0.0.2:9090',
      COUNTERSIGN_METRICS_SERVICE_HOST: '10.0.0.2',
      COUNTERSIGN_DATABASE_PORT: 'tcp://10.0.0.3:5432',
      COUNTERSIGN_DATABASE_SERVICE_HOST: '10.0.0.3',
      COUNTERSIGN_VALKEY_PORT_6379_TCP_ADDR: '10.0.0.4',
      COUNTERSIGN_VALKEY_SERVICE_PORT: '6379',
    }
    const { port, metrics_port, database, valkey } = readConfiguration({ environment, flags: {} })
    expect([port, metrics_port, database, valkey]).toEqual([4400, undefined, undefined, undefined])
    expect(readConfiguration({ file: fileOf({ port: 3000 }), environment, flags: {} }).port).toBe(3000)
  })
})

test('what clients may register is checked too', () => {
  expect(problemOf({ registration: 'token' })).toContain('registration_tokens: are needed for registration: "token"')
  expect(problemOf({ registration_tokens: ['short'] })).toContain('registration_tokens.0: must have at least 32')
  for (const right of ['account', 'introspection', 'sessions:manage', 'clients:manage']) {
    expect(problemOf({ registration_scopes: ['openid', right] })).toContain(`registration_scopes: cannot hold ${right}`)
  }
})

test('all that a client can be is read: what is written, and the defaults for the rest', () => {
  const jwks = [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }]
  const written = {
    id: 'other',
    name: 'Other',
    authentication_method: 'private_key_jwt',
    jwks,
    owner_id: 'x',
    terms_uri: 'https://other.example/terms',
    subject_type: 'pairwise',
    access_token_format: 'opaque',
    requires_dpop: true,
    requires_dpop_nonce: true,
    serves: ['urn:notes'],
    default_max_age_seconds: 60,
    minimum_life_bound_seconds: 5,
    scopes: ['notes'],
  }
  const { clients } = readConfiguration({ file: fileOf({ clients: [written] }), environment: {}, flags: {} })
  expect(clients[0]).toEqual(
    declareClient({
      id: 'other',
      name: 'Other',
      authenticationMethod: 'private_key_jwt',
      jwks,
      ownerId: 'x',
      description: { termsUri: 'https://other.example/terms' },
      subjectType: 'pairwise',
      accessTokenFormat: 'opaque',
      requiresDpop: true,
      requiresDpopNonce: true,
      serves: ['urn:notes'],
      defaultMaxAgeSeconds: 60,
      refresh: { ...defaultRefreshPolicy, minimumLifeBoundSeconds: 5 },
      scopes: ['notes'],
      defaultScopes: ['notes'],
    }),
  )
})

test('all that is wrong is said at once, wherever it stands', () => {
  const clients = [
    { id: 'app', scope: [] },
    { id: 'web', direct_login: true },
    { id: 'api', secrets: ['replace-this-by-32-random-bytes-of-your-own'] },
    { id: 'quick', minimum_life_seconds: 1 },
    { id: 'quick' },
  ]
  const written = { sign_up: 'opn', clients, port: 'x', registration: 'token', smtp_url: 'smtp://mail.example.com' }
  const environment = {
    COUNTERSIGN_ISUER: 'x',
    COUNTERSIGN_ISSUER: 'https://login.example.com',
    COUNTERSIGN_HOST: '0.0.0.0',
    COUNTERSIGN_PORT: 'abc',
    COUNTERSIGN_APIS: '[',
    COUNTERSIGN_TRUSTED_PROXIES: '',
  }
  const [heading, ...lines] = problemOf(written, { environment, flags: { database: 'mysql://x' } }).split('\n')
  expect(heading).toBe(
    `The configuration is not valid (file: ${join(folder, 'countersign.json')}; all keys: docs/configuration.md):`,
  )
  const places = [
    'COUNTERSIGN_ISUER is not a setting',
    'COUNTERSIGN_PORT: must be a whole number from 0 to 65535, not "abc"',
    'COUNTERSIGN_APIS is not valid JSON (line 1 column 2: it ends too early).',
    '--database: must be a URL',
    'sign_up: must be one of',
    'clients.app: "scope" is not a key.',
    'clients.web.direct_login: needs first_party: true',
    'registration_tokens: are needed',
    'mail_from: is needed too',
    'COUNTERSIGN_HOST: Plain HTTP is refused off loopback.',
    'clients.api.secrets: holds a placeholder',
    'clients.quick.minimum_life_seconds: must be at least twice',
    'clients.quick.id: is that of another client too',
  ]
  for (const place of places)
    expect(
      lines.filter(line => line.startsWith(`  ${place}`)),
      place,
    ).toHaveLength(1)
  expect(lines).toHaveLength(places.length)
})

test('what cannot be read is not judged with what can', () => {
  expect(problemOf({ smtp_url: 7, mail_from: 'a@b.example' }).split('\n')).toHaveLength(2)
  expect(problemOf({ registration: 'token', registration_tokens: ['short'] }).split('\n')).toHaveLength(2)
  expect(problemOf({ host: '0.0.0.0', trusted_proxies: ['x'] }).split('\n')).toHaveLength(2)
  expect(problemOf({ clients: 7, unsafe_refresh_policy: 7 }).split('\n')).toHaveLength(3)
  expect(problemOf('{', { environment: { COUNTERSIGN_PORT: 'x', COUNTERSIGN_HOST: '0.0.0.0' } }).split('\n')).toEqual([
    expect.stringMatching(/^The configuration is not valid/),
    expect.stringMatching(/is not valid JSON/),
    '  COUNTERSIGN_PORT: must be a whole number from 0 to 65535, not "x"',
  ])
})

describe('a message says where and what', () => {
  test.each([
    [
      'a port that is none, by flag',
      {},
      { flags: { port: 'abc' } },
      '--port: must be a whole number from 0 to 65535, not "abc"',
    ],
    [
      'a port that is none, by environment',
      {},
      { environment: { COUNTERSIGN_PORT: '70000' } },
      'COUNTERSIGN_PORT: must be a whole number from 0 to 65535, not "70000"',
    ],
    [
      'a number that is none',
      {},
      { environment: { COUNTERSIGN_DRAIN_SECONDS: 'soon' } },
      'COUNTERSIGN_DRAIN_SECONDS: must be a whole number of seconds from 0 to 600, not "soon"',
    ],
    [
      'clients that are no JSON, by environment',
      {},
      { environment: { COUNTERSIGN_CLIENTS: `[{"id":"app","secrets":["${secret}"]` } },
      'COUNTERSIGN_CLIENTS is not valid JSON (line 1 column 69: it ends too early).',
    ],
    [
      'a client that contradicts itself, by environment',
      {},
      { environment: { COUNTERSIGN_CLIENTS: `[{"id":"app","direct_login":true,"secrets":["${secret}"]}]` } },
      'COUNTERSIGN_CLIENTS.app.direct_login: needs first_party: true',
    ],
    [
      'a mistyped word',
      { sign_up: 'opn' },
      {},
      'sign_up: must be one of "open", "invitation", "closed". Did you mean "open"?',
    ],
    [
      'a word of a client that is none',
      { clients: [{ id: 'app', access_token_format: 'paseto' }] },
      {},
      'clients.app.access_token_format: must be one of "jwt", "opaque"',
    ],
    [
      'an address of Valkey that cannot be decoded',
      { valkey: 'redis://:%zz@127.0.0.1' },
      {},
      'valkey: must be a URL such as',
    ],
    [
      'an address of Valkey with a parameter, which would be passed over',
      { valkey: 'rediss://:the-password@127.0.0.1?ssl_cert_reqs=none' },
      {},
      'valkey: must be a URL such as',
    ],
    [
      'a database of Valkey that is no number',
      { valkey: 'redis://127.0.0.1/logins' },
      {},
      'valkey: must be a URL such as',
    ],
    [
      'a mail server that cannot be decoded',
      { smtp_url: 'smtp://me:%zz@127.0.0.1', mail_from: 'a@b.example' },
      {},
      'smtp_url: must be a URL such as smtp://user:password@host:587 or smtps://user:password@host:465. In a password, % is written %25',
    ],
    [
      'a place for the keys that cannot be decoded',
      { key_ring: 'etcd://me:%zz@127.0.0.1' },
      {},
      'key_ring: must be a URL such as zookeeper://',
    ],
    ...[
      ['database', 'postgres://me:%zz@127.0.0.1/logins', 'has a % without two hexadecimal digits'],
      [
        'database',
        'postgres://me:se/cret@127.0.0.1/logins',
        'has no host, or no port from 1 to 65535, where one should be',
      ],
      [
        'database',
        'postgres://me:p@one,two:99999/logins',
        'has no host, or no port from 1 to 65535, where one should be',
      ],
      ['database', 'postgres://db/logins?schema=public', 'has schema, which means nothing here: leave it out'],
      ['database_listen', 'postgres://db/logins?pgbouncer=true', 'has pgbouncer=true, behind which nobody hears'],
    ].map(([key = '', url = '', fault = '']): [string, object, object, string] => [
      `a ${key} at ${url}`,
      { [key]: url },
      {},
      `${key}: ${fault}`,
    ]),
    [
      'a page of a client at no address',
      { clients: [{ id: 'app', backchannel_logout_uri: 'https://app:99999/x' }] },
      {},
      'clients.app.backchannel_logout_uri: must be a web address',
    ],
    [
      'an issuer in capitals',
      { issuer: 'HTTPS://Login.example.com/x' },
      {},
      'issuer: must be an origin, without a path and in small letters, to the letter: https://login.example.com',
    ],
    ['a mistyped choice', { passwords: 'none' }, {}, 'passwords: must be one of "on", "off"'],
    ['a mistyped key', { sing_up: 'open' }, {}, '"sing_up" is not a key. Did you mean sign_up?'],
    [
      'a key of which there are several',
      { drain: 5 },
      {},
      '"drain" is not a key. Did you mean drain_seconds or drain_notice_seconds?',
    ],
    [
      'an endpoint of a connection that is none',
      { connections: [{ name: 'x', client_id: 'x', client_secret: 'y', endpoints: { tokens: 'https://x' } }] },
      {},
      'connections.x.endpoints: "tokens" is not a key. Did you mean token?',
    ],
    [
      'a colour of a scheme that is none',
      { theme: { light: { accents: '#000000' } } },
      {},
      'theme.light: "accents" is not a key. Did you mean accent?',
    ],
    ['a key out of the air', { retention_period: 'x' }, {}, '"retention_period" is not a key. None is like it.'],
    [
      'a mistyped key of a client',
      { clients: [{ id: 'app', scope: [] }] },
      {},
      'clients.app: "scope" is not a key. Did you mean scopes?',
    ],
    [
      'a mistyped key of an API',
      { apis: [{ audience: 'urn:notes', access_token_second: 60 }] },
      {},
      'apis.0: "access_token_second" is not a key. Did you mean access_token_seconds?',
    ],
    [
      'an API that is named twice',
      { apis: [60, 90].map(access_token_seconds => ({ audience: 'urn:notes', access_token_seconds })) },
      {},
      'apis: must name each audience once',
    ],
    ['a client without an id', { clients: [{ name: 'x' }] }, {}, 'clients.0.id: '],
    [
      'an issuer with a slash at its end',
      { issuer: 'https://login.example.com/' },
      {},
      'issuer: remove the slash at the end: https://login.example.com',
    ],
    ['such an issuer by flag', {}, { flags: { issuer: 'https://login.example.com/' } }, '--issuer: remove the slash'],
  ])('%s', (_what, value, more, message) => {
    expect(problemOf(value, more)).toContain(message)
    expect(problemOf(value, more)).not.toContain(secret)
  })

  test('a file that is not there: its whole path, and that it is not there', () => {
    const read = () => readConfiguration({ file: 'none.json', environment: {}, flags: {}, folder })
    expect(read).toThrow(`${join(folder, 'none.json')} cannot be read: no such file.`)
  })

  test('of a file that the environment names, by which variable', () => {
    const read = () =>
      readConfiguration({ file: 'none.json', fileIsFrom: 'COUNTERSIGN_CONFIG', environment: {}, flags: {} })
    expect(read).toThrow(/none\.json cannot be read: no such file\. COUNTERSIGN_CONFIG names it\.$/)
  })

  test('a file that is no JSON: where, and nothing of what stands there', () => {
    expect(problemOf('{\n  "port": 4400\n  "sign_up": "open"\n}')).toMatch(
      /is not valid JSON \(line 3 column 3: .*\)\.$/,
    )
    const said = problemOf(`{"clients": [{"secrets": [${secret}]}]}`)
    expect(said).toContain('is not valid JSON')
    expect(said).not.toContain('secret')
  })

  test('a file where the data folder should be', () => {
    const file = fileOf({})
    expect(() => openDataFolder(file)).toThrow(`${file} cannot be the data folder: there is a file of that name.`)
  })
})

describe('a relative data folder', () => {
  mkdirSync(join(folder, 'etc'), { recursive: true })
  const file = join(folder, 'etc', 'countersign.json')
  const read = (value: object, more: { flags?: object; environment?: Record<string, string> } = {}) => {
    writeFileSync(file, JSON.stringify(value))
    return readConfiguration({ file, environment: more.environment ?? {}, flags: { ...more.flags }, folder }).data
  }

  test('of the file is beside the file, and so is the default', () => {
    expect(read({ data: 'kept' })).toBe(join(folder, 'etc', 'kept'))
    expect(read({})).toBe(join(folder, 'etc', 'data'))
  })

  test('of a flag or the environment is where one stands', () => {
    expect(read({ data: 'kept' }, { flags: { data: 'mine' } })).toBe(join(folder, 'mine'))
    expect(read({ data: 'kept' }, { environment: { COUNTERSIGN_DATA: 'mine' } })).toBe(join(folder, 'mine'))
  })

  test('without a file is where one stands', () => {
    expect(readConfiguration({ environment: {}, flags: {}, folder }).data).toBe(join(folder, 'data'))
  })
})

describe('every key of the file can come from the environment, and then counts more', () => {
  const read = (environment: Record<string, string>, value: object = {}) =>
    readConfiguration({ file: fileOf(value), environment, flags: {} })

  test('lists and objects as JSON, as they would stand in the file', () => {
    const clients = [
      { id: 'job', secrets: [secret], audiences: ['urn:notes'], grace_seconds: 30, minimum_life_seconds: 40 },
    ]
    const apis = [
      { audience: 'urn:notes', access_token_seconds: 60 },
      { audience: 'urn:letters', access_token_format: 'opaque' },
    ]
    const environment = {
      COUNTERSIGN_CLIENTS: JSON.stringify(clients),
      COUNTERSIGN_APIS: JSON.stringify(apis),
      COUNTERSIGN_MASTER_KEY_COMMAND: '["kms","decrypt"]',
      COUNTERSIGN_UNSAFE_REFRESH_POLICY: 'true',
    }
    const found = read(environment, { clients: [{ id: 'app' }], apis: [] })
    expect(found.clients.map(({ id }) => id)).toEqual(['job'])
    expect([...found.apiLifetimes]).toEqual([['urn:notes', 60]])
    expect([...found.opaqueApis]).toEqual(['urn:letters'])
    expect(found.master_key_command).toEqual(['kms', 'decrypt'])
  })

  test('who may make an account, for how long an invitation is good, and whether there are passwords', () => {
    const environment = {
      COUNTERSIGN_SIGN_UP: 'invitation',
      COUNTERSIGN_INVITATION_DAYS: '0.5',
      COUNTERSIGN_PASSWORDS: 'off',
    }
    const { sign_up, invitation_days, passwords } = read(environment, { sign_up: 'open', passwords: 'on' })
    expect([sign_up, invitation_days, passwords]).toEqual(['invitation', 0.5, 'off'])
    expect(problemOf({}, { environment: { COUNTERSIGN_INVITATION_DAYS: '400' } })).toContain(
      'COUNTERSIGN_INVITATION_DAYS: ',
    )
  })

  test('an empty variable says nothing', () => {
    expect(read({ COUNTERSIGN_CLIENTS: '' }, { clients: [{ id: 'app' }] }).clients.map(({ id }) => id)).toEqual(['app'])
  })
})
