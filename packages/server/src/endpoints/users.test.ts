import { afterEach, describe, expect, test } from 'vitest'
import { logIn, postJson, signUp } from '../testing/calls.ts'
import { closeGiven, given, password } from '../testing/given.ts'

afterEach(closeGiven)

const maria = { email: 'Maria@Example.com', password, name: 'Maria' }

describe('sign-up', () => {
  test('makes a user: 201, and the password works', async () => {
    const to = await given.server()
    const answer = await postJson(to, '/v1/users', maria)
    expect([answer.status, answer.body]).toEqual([
      201,
      { id: expect.stringMatching(/^[\w-]{22}$/), email: 'Maria@Example.com', name: 'Maria' },
    ])
    expect((await logIn(to, { email: 'maria@example.COM' })).answer.status).toBe(201)
    expect(await to.auditedSince(0)).toContain('user.created')
  })

  test('the same address again, in any spelling, is 409 email_taken', async () => {
    const to = await given.server()
    await signUp(to)
    for (const email of ['maria@example.com', 'MARIA@example.com', ' maria@EXAMPLE.com ']) {
      const answer = await postJson(to, '/v1/users', { ...maria, email })
      expect([answer.status, answer.body.error, answer.body.reason]).toEqual([409, 'email_taken', 'email_taken'])
    }
  })

  test('of fifty at once with one address one is made', async () => {
    const to = await given.server()
    const answers = await Promise.all(Array.from({ length: 50 }, () => postJson(to, '/v1/users', maria)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49)
    expect((await to.audit()).filter(({ record }) => record.event === 'user.created')).toHaveLength(1)
  })

  test('a member that is not known is named if it is a plain word, and not repeated otherwise', async () => {
    const to = await given.server()
    const named = await postJson(to, '/v1/users', { ...maria, displayName: 'Maria' })
    expect(named.body.error_description).toBe("The body has a member 'displayName', which is not known here.")
    const other = await postJson(to, '/v1/users', { ...maria, 'x1$correct horse': true })
    expect(other.body.error_description).toBe('The body has a member that is not known here.')
  })

  test('closed: 403 signup_closed, with the challenge that every 403 has', async () => {
    const to = await given.server({ config: { signUp: 'closed' } })
    const answer = await postJson(to, '/v1/users', maria)
    expect([answer.status, answer.body.reason]).toEqual([403, 'signup_closed'])
    expect(answer.headers['www-authenticate']).toContain('reason="signup_closed"')
  })

  test.each([
    ['GHSA-7rqj-j65f-68wh: a full-width @', { email: 'maria＠example.com' }, 'email_invalid'],
    ['GHSA-7rqj-j65f-68wh: full-width letters', { email: 'ｍaria@example.com' }, 'email_invalid'],
    ['an invisible character in the address', { email: 'mar\u200bia@example.com' }, 'email_invalid'],
    ['a bidi control in the address', { email: 'maria\u202e@example.com' }, 'email_invalid'],
    ['a line break in the address', { email: 'maria@example.com\r\nBcc: x@example.com' }, 'email_invalid'],
    ['two @', { email: 'maria@x@example.com' }, 'email_invalid'],
    ['a short password', { password: 'short' }, 'password_unacceptable'],
    ['a password that everybody has', { password: 'password123' }, 'password_unacceptable'],
    ['the address as password', { password: 'maria@example.com' }, 'password_unacceptable'],
    ['a long password', { password: 'x1'.repeat(400) }, 'password_unacceptable'],
    ['an endless password', { password: 'x1'.repeat(4000) }, 'parameter_invalid'],
    ['an endless address', { email: `${'x'.repeat(300)}@example.com` }, 'parameter_invalid'],
    ['a bidi control in the name', { name: 'Ma\u202eria' }, 'parameter_invalid'],
    ['an isolate in the name', { name: 'Ma\u2066ria' }, 'parameter_invalid'],
    ['a line break in the name', { name: 'Ma\nria' }, 'parameter_invalid'],
    ['an endless name', { name: 'x'.repeat(201) }, 'parameter_invalid'],
    ['null', { name: null }, 'parameter_invalid'],
    ['a list', { email: ['maria@example.com'] }, 'parameter_invalid'],
    ['a right for oneself', { admin: true }, 'parameter_invalid'],
  ])('refuses %s, and makes nobody', async (_name, change, reason) => {
    const to = await given.server()
    const before = (await to.audit()).length
    const answer = await postJson(to, '/v1/users', { ...maria, ...change })
    expect([answer.status, answer.body.reason]).toEqual([400, reason])
    expect(answer.text).not.toContain('202e')
    expect(await to.auditedSince(before)).toEqual([])
  })

  test('a name in any script is welcome', async () => {
    const to = await given.server()
    for (const [index, name] of ['Zoë', '山田 太郎', 'محمد', 'می‌خواهم', '👩‍💻'].entries()) {
      const answer = await postJson(to, '/v1/users', { ...maria, email: `m${index}@example.com`, name })
      expect([answer.status, answer.body.name]).toEqual([201, name])
    }
  })

  test('from one address at most a hundred an hour, an IPv6 network being one address', async () => {
    const to = await given.server({ config: { trustedProxies: ['127.0.0.1'] } })
    const from = (ip: string) => ({ 'x-forwarded-for': ip, 'x-forwarded-proto': 'https' })
    const statuses = []
    for (let index = 0; index < 101; index++) {
      const headers = from(`2001:db8::${index.toString(16)}`)
      const answer = await postJson(to, '/v1/users', { email: 'x', password }, headers)
      statuses.push(answer.status)
    }
    expect(statuses.slice(0, 100)).toEqual(new Array(100).fill(400))
    expect(statuses[100]).toBe(429)
    expect((await postJson(to, '/v1/users', maria, from('2001:db8:1::1'))).status).toBe(201)
  })
})
