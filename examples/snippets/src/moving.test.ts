import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ofFirebase, ofKeycloak } from './move-users.ts'
import { givenServer, post, reportsSecret } from './testing/given.ts'

let old: Awaited<ReturnType<typeof givenServer>>
let server: Awaited<ReturnType<typeof givenServer>>

beforeAll(async () => {
  old = await givenServer()
  server = await givenServer()
})

afterAll(async () => {
  await old.close()
  await server.close()
})

const password = 'correct horse battery'
const signIn = (issuer: string, email: string, secret: string, scope?: string) =>
  post(`${issuer}/v1/sessions`, { email, password: secret, client_id: 'notes-app', scope })

function subjectOf(token = ''): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sub
}

/** Made by Python's hashlib and argon2-cffi, and told as Keycloak does. */
const credentials = {
  'pbkdf2-sha256': {
    secret: {
      salt: 'MDEyMzQ1Njc4OWFiY2RlZg==',
      value: 'BVALGMmC/K/8ELErc5VgJxyPFApArIZRCQsqjEgZWJ6MwvrqvCpwLuP/5ugtnLwaptyhKgF8nj7WtD3ieyZB6Q==',
    },
    data: { hashIterations: 1000, algorithm: 'pbkdf2-sha256', additionalParameters: {} },
  },
  pbkdf2: {
    secret: {
      salt: 'MDEyMzQ1Njc4OWFiY2RlZg==',
      value: 'rDjxw4qmzpl4HTyqLNYNsdE5Zi5hOVtuAtSpIuv9sre4VuMqmB4GODFe6Wixy274SVuULGbsfRdOmmfrHd+XnQ==',
    },
    data: { hashIterations: 1000, algorithm: 'pbkdf2', additionalParameters: {} },
  },
  argon2: {
    secret: { salt: 'c29tZXNhbHRzb21lc2FsdA==', value: '+xVnr7YXTiWEzI4O+LqNlJKaOZgO78w3CLLdl2Q1mxg=' },
    data: {
      hashIterations: 3,
      algorithm: 'argon2',
      additionalParameters: { memory: ['4096'], parallelism: ['4'], type: ['id'], version: ['1.3'] },
    },
  },
}

test('move-users.ts makes lines of an export of Keycloak, and its people sign in under the ids that they had', async () => {
  const users = Object.values(credentials).map(({ secret, data }, place) => ({
    id: `3b241101-e2bb-4255-8caf-4136c566a96${place}`.replace('3b', `${place}b`),
    email: `keycloak-${place}@example.com`,
    emailVerified: true,
    enabled: true,
    firstName: 'Maria',
    lastName: 'Lopez',
    createdTimestamp: 1_580_700_000_000,
    realmRoles: ['default-roles-notes', 'editor'],
    credentials: [{ type: 'password', secretData: JSON.stringify(secret), credentialData: JSON.stringify(data) }],
  }))
  expect(await server.importUsers(users.map(ofKeycloak))).toMatchObject({ imported: 3, there: 0, refused: [] })
  for (const { id, email } of users) {
    const { body } = await signIn(server.issuer, email, password)
    expect(subjectOf(body.access_token)).toBe(Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url'))
  }
  const bare = { id: 'cb241101-e2bb-4255-8caf-4136c566a962', realmRoles: [] }
  expect(await server.importUsers([ofKeycloak(bare)])).toMatchObject({ imported: 1 })
})

test('move-users.ts makes lines of an export of Firebase, whose own example signs in', async () => {
  const user = {
    localId: 'x5fTbVn0pWc8l2Q0',
    email: 'firebase@example.com',
    emailVerified: true,
    createdAt: '1580700000000',
    passwordHash: 'lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ==',
    salt: '42xEC-ixf3L2lw==',
    providerUserInfo: [{ providerId: 'google.com', rawId: '1234' }],
  }
  const project = {
    base64_signer_key: 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
    base64_salt_separator: 'Bw==',
    rounds: 8,
    mem_cost: 14,
  }
  const users = [ofFirebase(user, project), ofFirebase({ localId: 'anonymous' }, project)]
  expect(await server.importUsers(users)).toMatchObject({ imported: 2, there: 0, refused: [] })
  expect((await signIn(server.issuer, user.email, 'user1password')).body.access_token).toBeDefined()
})

test('move-session.ts opens a session for who has a login in the old system, and two-issuers.ts knows the tokens of both', async () => {
  vi.stubEnv('OLD_ISSUER', old.issuer)
  vi.stubEnv('OLD_CLIENT_ID', 'notes-app')
  vi.stubEnv('ISSUER', server.issuer)
  vi.stubEnv('CLIENT_SECRET', reportsSecret)
  const email = 'mover@example.com'
  await post(`${old.issuer}/v1/users`, { email, password })
  const login = (await signIn(old.issuer, email, password, 'openid notes:read')).body
  const oldId = String(subjectOf(login.access_token))
  const identities = [{ connection: 'trusted:reports', subject: oldId }]
  expect(await server.importUsers([{ email, identities }])).toMatchObject({ imported: 1 })
  const { moveSession } = await import('./move-session.ts')
  const moved = JSON.parse((await moveSession(String(login.refresh_token))) ?? '{}')
  expect(moved.refresh_token).toMatch(/^cs_rt_/)
  expect(await server.userIdOf(email)).toBe(subjectOf(moved.access_token))
  expect(await moveSession('nonsense')).toBeUndefined()

  const { close, ownerOf } = await import('./two-issuers.ts')
  expect(await ownerOf(String(login.access_token))).toEqual({ issuer: old.issuer, sub: oldId })
  expect(await ownerOf(moved.access_token)).toEqual({ issuer: server.issuer, sub: subjectOf(moved.access_token) })
  const [header, , signature] = moved.access_token.split('.')
  const claims = String(login.access_token).split('.')[1]
  await expect(ownerOf(`${header}.${claims}.${signature}`)).rejects.toThrow('refused: ')
  await expect(ownerOf('nonsense')).rejects.toThrow('refused: token_malformed')
  close()
})
