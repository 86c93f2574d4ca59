import { afterEach, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { authorization, get } from '../testing/calls.ts'
import { closeGiven, given } from '../testing/given.ts'
import { push } from '../testing/pushed.ts'

afterEach(closeGiven)

const languages = { written: [{ language: 'fr', texts: { signIn: { title: 'Connexion' } } }, { language: 'he' }] }
const languageOf = (page: string) => /<html lang="([^"]+)" dir="(\w+)">/.exec(page)?.slice(1).join(' ')
const french = { 'accept-language': 'fr-CA,fr;q=0.9,en;q=0.5' }

test('a page speaks the language of the browser, and the first one where it has none of them', async () => {
  const to = await given.server({ config: { languages } })
  expect(languageOf((await get(to, '/sign-in', french)).text)).toBe('fr ltr')
  expect((await get(to, '/sign-in', french)).text).toContain('<h1>Connexion</h1>')
  expect(languageOf((await get(to, '/sign-in', { 'accept-language': 'eo' })).text)).toBe('en-GB ltr')
  expect(languageOf((await get(to, '/sign-in')).text)).toBe('en-GB ltr')
  expect(languageOf((await get(to, '/nowhere', { accept: 'text/html', ...french })).text)).toBe('fr ltr')
  expect(languageOf((await get(to, '/authorize?client_id=nobody', french)).text)).toBe('fr ltr')
})

test('the wish of the application comes before that of the browser, on every page of its request (ui_locales, OpenID Connect Core §3.1.2.1)', async () => {
  const to = await given.server({ config: { languages } })
  const { path } = authorization({
    client_id: 'stranger',
    redirect_uri: 'https://stranger.example/callback',
    ui_locales: 'eo he',
  })
  const signIn = String((await get(to, path, french)).headers.location)
  expect(languageOf((await get(to, signIn, french)).text)).toBe('he rtl')
  const person = browser(to)
  await person.signUp()
  const consent = String((await person.get(path)).headers.location)
  expect(consent).toMatch(/^\/consent\?/)
  expect(languageOf((await person.get(consent)).text)).toBe('he rtl')
  expect(languageOf((await get(to, '/logout?ui_locales=fr')).text)).toBe('fr ltr')
  const wrong = authorization({ redirect_uri: 'https://elsewhere.example', ui_locales: 'fr' })
  expect(languageOf((await get(to, wrong.path)).text)).toBe('fr ltr')
})

test('a wish that was pushed counts, and a wrong one is no error', async () => {
  const to = await given.server({ config: { languages } })
  const { path } = await push(to, { ui_locales: 'fr' })
  const signIn = String((await get(to, path)).headers.location)
  expect(languageOf((await get(to, signIn)).text)).toBe('fr ltr')
  const odd = authorization({ ui_locales: '"><script>' })
  expect((await get(to, odd.path)).headers.location).toMatch(/^\/sign-in/)
})

test('the menu leads back to the same page in another language, which this browser keeps', async () => {
  const to = await given.server({ config: { languages } })
  const person = browser(to)
  const { path } = authorization({ ui_locales: 'he' })
  const signIn = String((await person.get(path)).headers.location)
  const page = (await person.get(signIn)).text
  const menu = [...page.matchAll(/<a href="(\/language\/[^"]+)"\s+lang="(\S+)"/g)]
  expect(menu.map(([, , tag]) => tag)).toEqual(['en-GB', 'ar', 'fr'])
  const chosen = await person.get((menu[2]?.[1] ?? '').replaceAll('&amp;', '&'))
  expect(chosen.headers.location).toBe(signIn)
  expect(languageOf((await person.get(signIn)).text)).toBe('fr ltr')
  expect(languageOf((await person.get('/account/applications')).text) ?? 'to sign in').toBe('to sign in')
  expect(String(chosen.headers['set-cookie'])).toMatch(
    /^__Host-countersign_language=fr; Max-Age=31536000; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  )
})

test('the menu leads to pages of ours only, and to languages that there are', async () => {
  const to = await given.server({ config: { languages } })
  const places = [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/sign-in\\..',
    '/token',
    '/connections/x',
    '/sign-in\n',
  ]
  for (const place of places) {
    const { headers } = await get(to, `/language/fr?${new URLSearchParams({ return_to: place })}`)
    expect(headers.location, place).toBe('/account')
  }
  expect((await get(to, '/language/eo')).status).toBe(404)
  expect((await get(to, '/language/fr;%20Domain=x')).headers['set-cookie']).toBeUndefined()
})

test('one language alone has no menu, and discovery says which there are (OpenID Connect Discovery §3)', async () => {
  const alone = await given.server({ config: { languages: { offered: ['en-GB'] } } })
  expect((await get(alone, '/sign-in', french)).text).not.toContain('<nav')
  expect((await get(alone, '/.well-known/openid-configuration')).body.ui_locales_supported).toEqual(['en-GB'])
  const to = await given.server({ config: { languages } })
  const { ui_locales_supported: tags } = (await get(to, '/.well-known/openid-configuration')).body
  expect(tags).toEqual(expect.arrayContaining(['en-GB', 'fr', 'he']))
})
