import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { hostedPagesOf } from './hosted-pages.ts'
import { serve } from './serve.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-pages-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const example = fileURLToPath(new URL('../../../examples/snippets/hosted-pages/countersign.json', import.meta.url))

/** Reads a configuration, with the files that it names. */
function pagesOf(written: object, files: Readonly<Record<string, string | Buffer>> = {}) {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const file = join(folder, 'countersign.json')
  writeFileSync(file, JSON.stringify(written))
  return hostedPagesOf(readConfiguration({ file, environment: {}, flags: {} }))
}

test('the example starts, and its pages have its name, words and looks', async () => {
  const flags = { port: 0, data: join(folder, 'data') }
  const log = { info() {}, warn() {}, error() {} }
  const system = await serve(readConfiguration({ file: example, environment: {}, flags }), { log })
  try {
    const page = async (path: string, language: string) => {
      const answer = await fetch(system.address + path, { headers: { 'accept-language': language } })
      return answer.text()
    }
    const english = await page('/sign-in', 'de')
    expect(english).toContain('<title>Log in · Orchard ID</title>')
    expect(await page('/sign-in', 'fr')).toContain('<h1>Connexion</h1>')
    expect(await page('/sign-in', 'ar')).toContain('<html lang="ar" dir="rtl">')
    const [, logo = ''] = /<img class="mark" src="([^"]+)"/.exec(english) ?? []
    const picture = await fetch(system.address + logo)
    expect([picture.headers.get('content-type'), await picture.text()]).toEqual([
      'image/svg+xml',
      expect.stringContaining('#4d7c1f'),
    ])
    expect(picture.headers.get('content-security-policy')).toContain("default-src 'none'")
    const [, style = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec(english) ?? []
    expect(await page(style, 'fr')).toContain('--font: "Source Sans 3", system-ui, sans-serif;')
  } finally {
    await system.close()
  }
})

describe('what cannot be used does not start, and is named', () => {
  const png = Buffer.from('\x89PNG\r\n\x1a\n...', 'latin1')
  test.each<readonly [object, Readonly<Record<string, string | Buffer>>, string]>([
    [{ theme: { logo: 'none.svg' } }, {}, 'none.svg cannot be read: no such file.'],
    [{ theme: { logo: 'logo.gif' } }, {}, 'logo.gif must be an .svg, .png or .webp file.'],
    [{ theme: { logo: 'logo.svg' } }, { 'logo.svg': png }, 'is not what its name says'],
    [{ theme: { logo: 'big.png' } }, { 'big.png': Buffer.concat([png, Buffer.alloc(300_000)]) }, 'at most 262144'],
    [{ theme: { logo_dark: 'logo.svg' } }, {}, 'theme.logo_dark: needs theme.logo.'],
    [{ theme: { accent: 'red' } }, {}, 'theme.accent: must be a colour such as #0e6b5c'],
    [{ theme: { acent: '#ff0000' } }, {}, 'Did you mean accent?'],
    [
      { language_files: ['fr.json'] },
      { 'fr.json': '{"language":"fr","text":{}}' },
      'fr.json: Unrecognized key: "text"',
    ],
    [
      { language_files: ['fr.json'] },
      { 'fr.json': '{"language":"fr","texts":{"email":7}}' },
      'fr.json: texts.email: must be a text',
    ],
    [{ language_files: ['fr.json'] }, { 'fr.json': '{' }, 'fr.json is not valid JSON'],
    [{ languages: [] }, {}, 'languages'],
  ])('%j', (written, files, says) => {
    expect(() => pagesOf(written, files)).toThrow(says)
  })
})

test('all files that cannot be used are named at once, and a fault in a text with its file', async () => {
  const written = { theme: { logo: 'none.svg', logo_dark: 'logo.gif' }, language_files: ['none.json', 'fr.json'] }
  const named = [
    'none.svg cannot be read',
    'logo.gif must be',
    'none.json cannot be read',
    'fr.json: texts.a: must be a',
  ]
  for (const one of named)
    expect(() => pagesOf(written, { 'fr.json': '{"language":"fr","texts":{"a":7}}' })).toThrow(one)

  const configuration = join(folder, 'two.json')
  writeFileSync(join(folder, 'de.json'), '{"language":"de","texts":{"signIn":{"titel":"Anmelden"}}}')
  writeFileSync(
    configuration,
    JSON.stringify({
      language_files: ['de.json'],
      theme: { font: '{}' },
    }),
  )
  const read = readConfiguration({
    file: configuration,
    environment: {},
    flags: { port: 0, data: join(folder, 'two') },
  })
  await expect(serve(read, { log: { info() {}, warn() {}, error() {} } })).rejects.toThrow(
    expect.objectContaining({
      faults: [
        `${join(folder, 'de.json')}: There is no message 'signIn.titel'.`,
        expect.stringMatching('^theme.font: '),
      ],
    }),
  )
})

test('a PNG is read as it is, and paths are beside the file that names them', () => {
  const png = Buffer.from('\x89PNG\r\n\x1a\n...', 'latin1')
  expect(pagesOf({ theme: { logo: './logo.png' } }, { 'logo.png': png }).logo).toEqual({
    light: { contentType: 'image/png', bytes: png },
  })
})
