import { expect, test } from 'vitest'
import {
  accountModel,
  applicationsModel,
  consentModel,
  deviceAskedModel,
  sampleSite,
  signInModel,
  signUpModel,
  waysInModel,
} from '../testing/sample-models.ts'
import { samplePages } from '../testing/sample-pages.ts'
import { type AccountModel, accountPage } from './account-page.ts'
import { applicationsPage } from './applications-page.ts'
import { type ConsentModel, consentPage } from './consent-page.ts'
import { deviceAskedPage, deviceCodePage } from './device-page.ts'
import { createLanguages } from './language/languages.ts'
import { errorPage, notFoundPage, signedOutPage, waitPage } from './message-pages.ts'
import { signInPage } from './sign-in-page.ts'
import { signUpPage } from './sign-up-page.ts'
import { createSite, inLanguage } from './site.ts'
import { waysInPage } from './ways-in-page.ts'

const inEnglish = samplePages(sampleSite)
const arabic = createLanguages().byTag('ar') ?? sampleSite.language
const inArabic = samplePages(inLanguage(sampleSite, arabic))
const pages = [inEnglish, inArabic].flatMap((inOne, index) =>
  Object.entries(inOne).map(([name, page]) => [index === 0 ? name : `${name} in Arabic`, page] as const),
)
const voidElements = new Set(['meta', 'link', 'input', 'img', 'br', 'hr'])

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly parents: readonly string[]
  text: string
}

/** Reads a page the strict way: every element closed in order, every attribute quoted and unique. Throws for anything else. */
function parse(page: string): Element[] {
  const elements: Element[] = []
  const open: Element[] = []
  let rest = page.replace(/^<!doctype html>\n/, '')
  if (rest === page) throw new Error('no doctype')
  while (rest !== '') {
    const text = /^[^<]+/.exec(rest)?.[0]
    if (text !== undefined) {
      if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(text)) throw new Error(`stray & in ${text}`)
      for (const element of open) element.text += text
      rest = rest.slice(text.length)
      continue
    }
    const tag = /^<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z:-]+(?:="[^"<>]*")?)*)\s*(\/?)>/i.exec(rest)
    if (tag === null) throw new Error(`not well-formed: ${rest.slice(0, 80)}`)
    const [all, closing, name = '', list = '', selfClosing] = tag
    rest = rest.slice(all.length)
    if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another element`)
      continue
    }
    const attributes: Record<string, string> = {}
    for (const [, key = '', value = ''] of list.matchAll(/([a-z:-]+)(?:="([^"]*)")?/gi)) {
      if (key in attributes) throw new Error(`${key} twice in <${name}>`)
      attributes[key] = value
    }
    const element = { name, attributes, parents: open.map(parent => parent.name), text: '' }
    elements.push(element)
    if (!(voidElements.has(name) || selfClosing)) open.push(element)
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.name}> is not closed`)
  return elements
}

const named = (elements: readonly Element[], ...names: string[]) => elements.filter(({ name }) => names.includes(name))

test.each(pages)('%s is well-formed, and its ids are unique', (_, page) => {
  const ids = parse(page).flatMap(({ attributes }) => attributes.id ?? [])
  expect(new Set(ids).size).toBe(ids.length)
})

test.each(pages)('%s has no script, style, handler, frame or foreign address', (_, page) => {
  const elements = parse(page)
  expect(named(elements, 'script', 'style', 'iframe', 'object', 'embed', 'base')).toEqual([])
  for (const { attributes } of elements) {
    for (const [name, value] of Object.entries(attributes)) {
      expect(name).not.toMatch(/^on|^style$|^srcdoc$/i)
      if (name === 'src' || name === 'href') expect(value).toMatch(/^\/|^https:\/\/notes\.example\.com\//)
    }
  }
})

test.each(pages)('%s says its language, title and size, and is not indexed', (name, page) => {
  const elements = parse(page)
  const language = name.endsWith(' in Arabic') ? { lang: 'ar', dir: 'rtl' } : { lang: 'en-GB', dir: 'ltr' }
  expect(named(elements, 'html')[0]?.attributes).toEqual(language)
  expect(named(elements, 'title')[0]?.text).toMatch(/ · \u2068?Countersign\u2069?$/)
  const metas = named(elements, 'meta').map(({ attributes }) => [attributes.name, attributes.content])
  expect(metas).toContainEqual(['viewport', 'width=device-width, initial-scale=1'])
  expect(metas).toContainEqual(['robots', 'noindex'])
})

test.each(pages)('%s has one main part, one h1, and headings that skip no level', (_, page) => {
  const elements = parse(page)
  expect(named(elements, 'main')).toHaveLength(1)
  const levels = named(elements, 'h1', 'h2', 'h3', 'h4').map(({ name }) => Number(name[1]))
  expect(levels.filter(level => level === 1)).toHaveLength(1)
  expect(levels[0]).toBe(1)
  for (const [index, level] of levels.entries()) expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1)
})

test.each(pages)('every form of %s posts to its own URL with one csrf field and a button', (_, page) => {
  for (const form of page.split('<form').slice(1)) {
    const [opening = '', content = ''] = [form.slice(0, form.indexOf('>')), form.slice(0, form.indexOf('</form>'))]
    expect(opening).toContain('method="post"')
    expect(opening).not.toContain('action=')
    expect(content.match(/<input type="hidden" name="csrf" value="[^"]+">/g)).toHaveLength(1)
    expect(content.match(/type="submit"/g)).toHaveLength(1)
  }
})

test.each(pages)(
  'every input of %s that can be seen has a label, a purpose, and descriptions that exist',
  (_, page) => {
    const elements = parse(page)
    const labels = new Set(named(elements, 'label').map(({ attributes }) => attributes.for))
    const ids = new Set(elements.flatMap(({ attributes }) => attributes.id ?? []))
    for (const { attributes } of named(elements, 'input')) {
      if (attributes.type === 'hidden' || 'hidden' in attributes) continue
      expect(labels.has(attributes.id)).toBe(true)
      expect(['username', 'current-password', 'new-password', 'name', 'off']).toContain(attributes.autocomplete)
      expect('aria-invalid' in attributes && !('aria-describedby' in attributes)).toBe(false)
    }
    for (const { attributes } of elements) {
      const references = `${attributes['aria-describedby'] ?? ''} ${attributes['aria-labelledby'] ?? ''}`
      for (const id of references.split(' ').filter(Boolean)) expect(ids.has(id)).toBe(true)
    }
    expect(elements.filter(({ attributes }) => 'autofocus' in attributes).length).toBeLessThanOrEqual(1)
  },
)

test.each(Object.entries(inArabic))('%s says nothing in English that was not said by others', (_, page) => {
  const own = page
    .slice(page.indexOf('<body'))
    .replace(/<(bdi|code|dd lang="en")[^>]*>.*?<\/(?:bdi|code|dd)>/g, '')
    .replace(/<[^>]*>/g, ' ')
    // Names, samples and measures.
    .replace(/\b(?:IP|Apple|https|UTC|BCDF-GHJK|name@example\.com)\b/g, '')
  expect(own.match(/[A-Za-z]+/g) ?? []).toEqual([])
})

test('a password is never written into a page', () => {
  for (const [, page] of pages) {
    for (const { attributes } of named(parse(page), 'input')) {
      if (attributes.type === 'password') expect(attributes).not.toHaveProperty('value')
    }
  }
})

test('the sign-in page names the application and its host, and has the fields of the contract', () => {
  const page = signInPage(sampleSite, signInModel)
  expect(page).toContain('Orchard Notes')
  expect(page).toContain('notes.example.com')
  const names = named(parse(page), 'input').map(({ attributes }) => attributes.name)
  expect(names).toEqual(['csrf', 'email', 'password'])
})

test('a wrong address and a wrong password look the same', () => {
  const answer = (email: string) =>
    signInPage(sampleSite, { ...signInModel, email, problem: { reason: 'login_failed' } }).replaceAll(email, '')
  expect(answer('known@example.com')).toBe(answer('unknown@example.com'))
})

test('an error comes first in the title, is announced, and describes the fields that it is about', () => {
  const elements = parse(inEnglish['sign-in-wrong'] ?? '')
  expect(named(elements, 'title')[0]?.text).toMatch(/^Error: /)
  const alert = elements.find(({ attributes }) => attributes.role === 'alert')
  expect(alert?.text).toBe('The e-mail address or the password is wrong.')
  const password = elements.find(({ attributes }) => attributes.id === 'password')
  expect(password?.attributes).toMatchObject({ 'aria-invalid': 'true', 'aria-describedby': 'form-problem' })
  expect(password?.attributes).toHaveProperty('autofocus')
})

test('an expired session is told as a notice, not as an error', () => {
  const page = inEnglish['sign-in-expired'] ?? ''
  expect(page).toContain('role="status"')
  expect(page).not.toContain('role="alert"')
  expect(page).not.toContain('<title>Error')
})

test('too many attempts say how long to wait', () => {
  expect(inEnglish['sign-in-too-many']).toContain('Please wait 45 seconds')
  expect(inEnglish['wait-attempts']).toContain('5 minutes')
})

test('a sign-up error stands beside its field', () => {
  const email = parse(inEnglish['sign-up-taken'] ?? '').find(({ attributes }) => attributes.id === 'email')
  expect(email?.attributes['aria-describedby']).toBe('email-error')
})

test('the account page shows this device first, then the last seen', () => {
  const titles = named(parse(inEnglish.account ?? ''), 'h3').map(({ text }) => text)
  expect(titles).toEqual(['Firefox on LinuxThis device', 'curl', 'Safari on iPhone', 'Chrome on Android tablet'])
})

test('every row but this device can be ended, and its button says which it ends', () => {
  const page = inEnglish.account ?? ''
  const ended = [...page.matchAll(/name="session_id" value="([^"]+)"/g)].map(match => match[1])
  const others = accountModel.sessions.filter(session => !session.current).map(session => session.id)
  expect(ended.toSorted()).toEqual(others.toSorted())
  const buttons = named(parse(page), 'button').map(({ text }) => text)
  expect(buttons).toContain('End session: Safari on iPhone, last seen yesterday')
})

test('whoever is asked about a device sees the code, who asks, from where and when, and is warned before the buttons', () => {
  const page = inEnglish['device-asked'] ?? ''
  const order = [
    'Orchard TV',
    'BCDF-GHJK',
    'they are trying to get into your account',
    '203.0.113.9',
    '>Refuse<',
    '>Allow<',
  ]
  const places = order.map(text => page.indexOf(text))
  expect(places).not.toContain(-1)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(page).toContain('<dt>Application</dt><dd><bdi>Orchard TV</bdi></dd>')
  expect(page).toContain('<bdi>https://api.example.com/notes</bdi>, <bdi>https://media.example.com</bdi>')
  expect(page.indexOf('nobody here has checked who is behind it')).toBeLessThan(page.indexOf('>Allow<'))
  expect(page).toContain('nobody here has checked who is behind it')
  expect(inEnglish['device-asked-own']).not.toContain('nobody here has checked')
})

test('ending everything takes two steps, and no step takes a script', () => {
  const all = named(parse(inEnglish.account ?? ''), 'form').find(({ attributes }) => attributes.class === 'end-all')
  expect(all?.parents).toContain('details')
})

test('users without a password see no password form, one session alone no "end all others"', () => {
  const page = inEnglish['account-alone'] ?? ''
  expect(page).not.toContain('change_password')
  expect(page).not.toContain('end_others')
})

test('the consent page says who asks, from where, for what, until when and with which account', () => {
  const page = inEnglish['consent-offline-unverified'] ?? ''
  for (const words of ['Orchard Notes', '127.0.0.1:4444', 'Read and write your notes', '180 days', 'Robin Example']) {
    expect(page).toContain(words)
  }
  expect(page).toContain('nobody here has checked who is behind it')
  expect(inEnglish.consent).not.toContain('nobody here has checked')
})

test('a scope that nobody has put in words is shown as it is', () => {
  expect(inEnglish.consent).toContain('<code><bdi>weather:read</bdi></code>')
})

test('more than before: the page tells what is new from what was allowed', () => {
  const page = inEnglish['consent-more'] ?? ''
  expect(page.indexOf('weather:read')).toBeLessThan(page.indexOf('You have allowed it before'))
  expect(page.indexOf('Read and write your notes')).toBeGreaterThan(page.indexOf('You have allowed it before'))
})

test('the applications page tells three things apart, and withdrawing takes two steps', () => {
  const elements = parse(inEnglish.applications ?? '')
  for (const name of ['Sign out of an application', 'Sign out here', 'Withdraw permission']) {
    expect(named(elements, 'dt').map(({ text }) => text)).toContain(name)
  }
  const forms = named(elements, 'form').filter(({ attributes }) => attributes.class === 'withdraw')
  expect(forms).toHaveLength(2)
  for (const form of forms) expect(form.parents).toContain('details')
  const buttons = named(elements, 'button').map(({ text }) => text)
  expect(buttons).toContain('Sign out: Orchard Notes on Safari on iPhone, last used yesterday')
})

const hostile = `"'><img src=x onerror=alert(1)></title></bdi><script>alert(2)</script>\u202e\u0000 javascript:alert(3) &lt;`

/** The model with every text in it replaced; what must keep its value is named. */
function poison<Model>(model: Model, keep: readonly string[] = []): Model {
  const walk = (value: unknown, key: string): unknown => {
    if (keep.includes(key)) return value
    if (typeof value === 'string') return hostile
    if (Array.isArray(value)) return value.map(item => walk(item, key))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name)]))
  }
  return walk(model, '') as Model
}

const urls = [
  'signUpUrl',
  'signInUrl',
  'homeUrl',
  'retryUrl',
  'applicationsUrl',
  'waysInUrl',
  'confirmUrl',
  'accountUrl',
  'otherAccountUrl',
  'url',
  'reason',
  'done',
]
const poisonedPages: readonly (readonly [name: string, page: string])[] = [
  [
    'sign-in',
    signInPage(sampleSite, poison({ ...signInModel, email: 'a', problem: { reason: 'login_failed' } }, urls)),
  ],
  ['sign-up', signUpPage(sampleSite, poison({ ...signUpModel, email: 'a', name: 'a' }, urls))],
  ['account', accountPage(sampleSite, poison<AccountModel>({ ...accountModel, done: 'end_others' }, urls))],
  ['consent', consentPage(sampleSite, poison<ConsentModel>({ ...consentModel, about: { uri: 'a' } }, urls))],
  ['consent again', consentPage(sampleSite, poison({ ...consentModel, known: consentModel.added }, urls))],
  ['applications', applicationsPage(sampleSite, poison(applicationsModel, urls))],
  ['ways in', waysInPage(sampleSite, poison({ ...waysInModel, confirmUrl: '/sign-in' }, urls))],
  ['connections', signInPage(sampleSite, poison({ ...signInModel, connections: [{ title: 'a', url: '/x' }] }, urls))],
  [
    'error',
    errorPage(
      sampleSite,
      poison(
        {
          reason: 'not_found',
          detail: 'a',
          reference: 'b',
          application: { name: 'c', host: 'd', url: '/', fields: { e: 'f' } },
        } as const,
        urls,
      ),
    ),
  ],
  ['device code', deviceCodePage(sampleSite, poison({ csrf: 'a', user: 'b', userCode: 'c' }))],
  ['device asked', deviceAskedPage(sampleSite, poison(deviceAskedModel))],
  ['site', signedOutPage(createSite({ host: hostile, name: hostile }), {})],
  ['site with a footer', signInPage(createSite({ host: hostile, name: hostile }), { csrf: hostile })],
]

test.each(poisonedPages)(
  'CVE-2019-8400, CVE-2024-28855, CVE-2026-33525: markup in any field of %s stays text',
  (_, page) => {
    const elements = parse(page)
    expect(named(elements, 'script')).toEqual([])
    expect(named(elements, 'img')).toEqual([])
    expect(page).not.toContain('\u0000')
    expect(elements.some(({ attributes }) => Object.keys(attributes).some(name => name.startsWith('on')))).toBe(false)
    expect(page).toContain('&lt;script&gt;alert(2)&lt;/script&gt;')
  },
)

test('names chosen by others are isolated, so that right-to-left characters cannot turn the sentence around', () => {
  for (const [, page] of poisonedPages.slice(0, 2)) {
    const body = page.slice(page.indexOf('<body'))
    expect(body.split('\u202e').length).toBeGreaterThan(1)
    expect(body.replace(/<bdi[^>]*>[^<]*<\/bdi>/g, '').replace(/<[^>]*>/g, '')).not.toContain('\u202e')
  }
})

test('a URL that runs or leads astray is a TypeError in every place that takes one', () => {
  const url = 'javascript:alert(1)'
  expect(() => signInPage(sampleSite, { ...signInModel, signUpUrl: url })).toThrow(TypeError)
  expect(() => signUpPage(sampleSite, { ...signUpModel, signInUrl: url })).toThrow(TypeError)
  expect(() => signedOutPage(sampleSite, { signInUrl: '//evil.example' })).toThrow(TypeError)
  expect(() => notFoundPage(sampleSite, { homeUrl: url })).toThrow(TypeError)
  expect(() => waitPage(sampleSite, { reason: 'unavailable', retryAfterSeconds: 1, retryUrl: url })).toThrow(TypeError)
  expect(() => errorPage(sampleSite, { reason: 'not_found', application: { name: 'a', url } })).toThrow(TypeError)
})
