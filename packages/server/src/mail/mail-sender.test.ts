import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, sampleMaster } from '../testing/given.ts'
import { linkIn, type MailServer, mailServer } from '../testing/mail-server.ts'
import { mailingServer } from '../testing/mailing.ts'
import { openSmtp } from './smtp-transport.ts'

const opened: MailServer[] = []
afterEach(async () => {
  await closeGiven()
  await Promise.all(opened.splice(0).map(one => one.close()))
})

async function server(more: { stepTimeoutMs?: number } = {}) {
  const post = await mailServer()
  opened.push(post)
  return { ...(await mailingServer({ post, ...more })), post }
}

const maria = 'maria@example.com'
const warnings = (to: GivenServer): string[] => to.log.filter(({ level }) => level === 'warn').map(({ text }) => text)

describe('a mail that cannot be sent now', () => {
  test.each([
    ['puts it off (greylisting, 451)', (post: MailServer) => post.answersRecipients(451), {}],
    ['is full (452 after the text)', (post: MailServer) => post.answersMails(452), {}],
    ['cuts the line in the middle of it', (post: MailServer) => post.cuts(), {}],
    ['does not answer', (post: MailServer) => post.hangs(), { stepTimeoutMs: 1_000 }],
  ])('because the mail server %s is sent later, once', async (_name, breaks, more) => {
    const { to, post, sendMails } = await server(more)
    breaks(post)
    await signUp(to)
    await sendMails()
    expect(post.mails).toEqual([])
    expect(warnings(to).join()).toContain('a mail could not be sent yet')
    post.answersRecipients(250)
    post.answersMails(250)
    await sendMails()
    expect(post.mails).toEqual([])
    await to.later(11)
    await sendMails()
    await to.later(7200)
    await sendMails()
    expect(post.mails.map(mail => mail.to)).toEqual([[maria]])
  })

  test('because nobody listens is sent when somebody does, even by another node that starts later; the request has not waited', async () => {
    const { to, post, sendMails } = await server()
    const { port } = post
    await post.close()
    expect((await browser(to).submit('/sign-up', { email: maria, password: 'correct horse battery' })).status).toBe(303)
    await sendMails()
    const again = await mailServer({ port })
    opened.push(again)
    await to.later(11)
    const other = await mailingServer({ post: again, openStore: async () => to.store, closesStore: false })
    other.to.setClock(to.now())
    await other.sendMails()
    expect(again.mails.map(mail => mail.to)).toEqual([[maria]])
    await sendMails()
    expect(again.mails).toHaveLength(1)
  })

  test('is tried again after longer and longer, and given up after a day, which the operator is told', async () => {
    const { to, post, sendMails } = await server()
    post.answersRecipients(451)
    await signUp(to)
    await sendMails()
    const tried: number[] = []
    for (let minutes = 0; minutes < 26 * 60; minutes += 2) {
      const before = post.offered
      await to.later(120)
      await sendMails()
      if (post.offered > before) tried.push(minutes)
    }
    expect(tried.slice(0, 4)).toEqual([0, 2, 8, 18])
    expect(tried.length).toBeLessThan(60)
    expect(tried.at(-1)).toBeLessThan(24 * 60)
    expect(warnings(to).at(-1)).toContain('a mail was not sent')
    expect((await to.store.listDue('mail', 10)).rows).toEqual([])
  })

  test('asked for again at each attempt the same link comes, and it stands for an hour from then on', async () => {
    const { to, post, sendMails } = await server()
    await signUp(to)
    await sendMails()
    post.answersMails(452)
    await browser(to).submit('/forgot-password', { email: maria })
    await sendMails()
    await to.later(3000)
    post.answersMails(250)
    await sendMails()
    await to.later(3000)
    const page = browser(to)
    await page.get(linkIn(post.lastTo(maria)))
    expect((await page.get('/reset-password')).status).toBe(200)
  })
})

test('a mail that is refused for good (550) is not tried again; nobody’s address is told to the log', async () => {
  const { to, post, sendMails } = await server()
  post.answersRecipients(550)
  await signUp(to)
  await sendMails()
  await to.later(7200)
  post.answersRecipients(250)
  await sendMails()
  expect(post.offered).toBe(1)
  expect(warnings(to).join()).toMatch(/a mail was not sent .*RCPT TO/)
  expect(warnings(to).join()).not.toContain('maria')
})

test('of two nodes that look at once one sends', async () => {
  const { to, post } = await server()
  const other = await mailingServer({ post, openStore: async () => to.store, closesStore: false })
  post.answersMails(452)
  await signUp(to)
  await to.server.mails?.look()
  post.answersMails(250)
  await to.later(11)
  other.to.setClock(to.now())
  await Promise.all([to.server.mails?.look(), other.sendMails(), to.server.mails?.look(), other.sendMails()])
  expect(post.mails).toHaveLength(1)
})

test('the store holds neither the link nor its token nor the address that a mail goes to, and what there is opens under the master key alone', async () => {
  const { to, post, sendMails } = await server()
  const rows: string[] = []
  const { commit } = to.store
  to.store.commit = change => {
    rows.push(JSON.stringify(change.writes.filter(({ table }) => table === 'mail' || table === 'mailLink')))
    return commit(change)
  }
  await browser(to).submit('/forgot-password', { email: maria })
  await signUp(to)
  await browser(to).submit('/forgot-password', { email: maria })
  await sendMails()
  const token = new URLSearchParams(linkIn(post.lastTo(maria)).split('?')[1]).get('token') ?? 'none'
  expect(rows.length).toBeGreaterThan(3)
  expect(rows.join()).not.toContain(token)
  expect(rows.join()).not.toContain('maria')
  expect(sampleMaster).toHaveLength(32)
})

describe('a mail', () => {
  test('says the same as text and as HTML, names the account, and asks for no answer', async () => {
    const { to, post, sendMails } = await server()
    await signUp(to)
    await sendMails()
    const { headers, text, html, from } = post.lastTo(maria)
    expect(from).toBe('no-reply@login.example')
    expect(headers.from).toBe('Sample <no-reply@login.example>')
    expect(headers.subject).toBe('Confirm your e-mail address for Sample')
    expect(headers['auto-submitted']).toBe('auto-generated')
    expect(headers['content-language']).toBe('en-GB')
    expect(headers['message-id']).toMatch(/^<[\w-]{43}@login\.example>$/)
    const plain = html
      .replace(/<style>.*?<\/style>/s, '')
      .replace(/<[^>]+>/g, ' ')
      .replace(/&amp;/g, '&')
      .replace(/\s+/g, ' ')
    const sentences = text.split('\n').filter(line => line.length > 20 && !line.startsWith('http'))
    for (const sentence of sentences) expect(plain).toContain(sentence.replace(/:$/, ''))
    expect(html).toContain('<html lang="en-GB" dir="ltr">')
    expect(html).not.toMatch(/<script|<img|javascript:/)
  })

  test('of an installation with a name like a header or like markup stays one header and one text', async () => {
    const post = await mailServer()
    opened.push(post)
    const applicationName = 'A\r\nBcc: evil@evil.example <b>&'
    const { to, sendMails } = await mailingServer({ post, config: { applicationName } })
    await signUp(to)
    await sendMails()
    const { headers, html } = post.lastTo(maria)
    expect(headers.bcc).toBeUndefined()
    expect(headers.subject).toContain('A Bcc: evil')
    expect(html).not.toContain('<b>&</b>')
    expect(html).toContain('&lt;b&gt;&amp;')
  })
})

describe('over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mail-'))
  const file = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const mail = {
    to: maria,
    subject: 's',
    text: 't',
    html: '<p>t</p>',
    messageId: 'a@login.example',
    language: 'en-GB',
  }
  const from = { name: 'Sample', address: 'no-reply@login.example' }

  beforeAll(() => {
    const parameters = ['-subj', '/CN=mail', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes']
    const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'crt')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files, ...parameters], { stdio: 'ignore' })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  async function secured(more: Parameters<typeof mailServer>[0] = {}): Promise<MailServer> {
    const post = await mailServer({
      key: file('key'),
      cert: file('crt'),
      disabledCommands: [],
      authOptional: false,
      onAuth: ({ username, password }, _session, callback) =>
        username === 'us@example' && password === 'p@ss/word'
          ? callback(null, { user: username })
          : callback(Object.assign(new Error('wrong'), { responseCode: 535 })),
      ...more,
    })
    opened.push(post)
    return post
  }

  test.each([
    ['smtp', {}],
    ['smtps', { secure: true }],
  ])('%s: signs in, and sends under a certificate that is trusted', async (scheme, more) => {
    const post = await secured(more)
    const url = `${scheme}://us%40example:p%40ss%2Fword@127.0.0.1:${post.port}`
    const transport = await openSmtp({ url, from, ca: file('crt') })
    expect(await transport.send(mail)).toEqual({ sent: true })
    transport.close()
    expect(post.mails).toMatchObject([{ secure: true, user: 'us@example' }])
  })

  test('a certificate that nobody trusts, and a password that is wrong, are for the operator to mend: the mail waits', async () => {
    const post = await secured()
    const attempts = [
      [`smtp://us%40example:p%40ss%2Fword@127.0.0.1:${post.port}`, {}],
      [`smtp://us%40example:wrong@127.0.0.1:${post.port}`, { ca: file('crt') }],
    ] as const
    for (const [url, more] of attempts) {
      const transport = await openSmtp({ url, from, ...more })
      const outcome = await transport.send(mail)
      expect(outcome).toMatchObject({ sent: false, permanent: false })
      expect(JSON.stringify(outcome)).not.toMatch(/wrong|maria|p@ss/)
      transport.close()
    }
    expect(post.mails).toEqual([])
  })

  test('a server off this machine that offers no TLS gets nothing', async () => {
    const post = await mailServer()
    opened.push(post)
    const transport = await openSmtp({ url: `smtp://127.0.0.1:${post.port}`, from, needsTls: true })
    expect(await transport.send(mail)).toMatchObject({ sent: false, permanent: false })
    transport.close()
    expect(post.mails).toEqual([])
  })
})
