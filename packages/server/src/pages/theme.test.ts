import { expect, test } from 'vitest'
import { WrongDeclaration } from '../wrong-declaration.ts'
import { contrast } from './color.ts'
import { createSite } from './site.ts'
import { stylesheet } from './stylesheet.ts'
import { defaultTheme, type Palette, palettes, type Theme } from './theme.ts'

const accents = [defaultTheme.accent]
for (const red of ['00', '55', 'aa', 'ff']) {
  for (const green of ['00', '55', 'aa', 'ff'])
    for (const blue of ['00', '55', 'aa', 'ff']) accents.push(`#${red}${green}${blue}`)
}

function textOnGround(palette: Palette): readonly (readonly [text: string, ground: string])[] {
  const grounds = [palette.ground, palette.surface, palette.sunken]
  return [
    ...grounds.flatMap(ground => [palette.ink, palette.quiet, palette.accentInk].map(text => [text, ground] as const)),
    [palette.danger, palette.surface],
    [palette.danger, palette.dangerGround],
    [palette.success, palette.successGround],
    [palette.onAccent, palette.accent],
  ]
}

test('contrast is 21 between black and white, and 1 with itself', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
  expect(contrast('#123456', '#123456')).toBe(1)
})

test('all text has a contrast of 4.5, whatever the accent, in both schemes (WCAG 2.2, 1.4.3)', () => {
  for (const accent of accents) {
    const { light, dark } = palettes({ ...defaultTheme, accent })
    for (const [text, ground] of [...textOnGround(light), ...textOnGround(dark)]) {
      expect(contrast(text, ground), `${text} on ${ground}, accent ${accent}`).toBeGreaterThanOrEqual(4.5)
    }
  }
})

test('edges of inputs and rings of focus have a contrast of 3 (WCAG 2.2, 1.4.11)', () => {
  for (const accent of accents) {
    const { light, dark } = palettes({ ...defaultTheme, accent })
    for (const { edge, accentInk, surface, ground } of [light, dark]) {
      expect(contrast(edge, surface)).toBeGreaterThanOrEqual(3)
      for (const under of [surface, ground]) expect(contrast(accentInk, under)).toBeGreaterThanOrEqual(3)
    }
  }
})

test('a theme that could carry foreign rules is refused', () => {
  const wrong = [
    { accent: 'red;}body{display:none' },
    { radiusPixels: Number.NaN },
    { radiusPixels: -1 },
    { font: 'Arial;} body { display: none' },
    { font: 'url(https://evil.example/x)' },
    { font: '"Arial' },
    { light: { ground: '#fff' } },
    { dark: { text: 'white' } },
  ]
  for (const theme of wrong) {
    expect(() => createSite({ host: 'id.example.com', theme }), JSON.stringify(theme)).toThrow(WrongDeclaration)
  }
})

test('text that cannot be read on its ground is refused, and a colour is named that could be', () => {
  const site = (theme: Partial<Theme>) => createSite({ host: 'id.example.com', theme })
  const light = { ground: '#f0e0ff', surface: '#ffffff', text: '#999999' }
  expect(() => site({ light })).toThrow(
    /theme\.light\.text: #999999 cannot be read on light\.ground #f0e0ff: the contrast is 2\.3/,
  )
  const better = /(#[0-9a-f]{6}) would do/.exec(messageOf(() => site({ light })))?.[1] ?? ''
  expect(() => site({ light: { ...light, text: better } })).not.toThrow()
  expect(() => site({ dark: { surface: '#cccccc' } })).toThrow('theme.dark.text')
})

test('of whatever ground and text are taken, all text on it can be read', () => {
  const colors = ['#000000', '#101840', '#404040', '#6b6b00', '#808080', '#c0a080', '#c0ffee', '#f0e0ff', '#ffffff']
  let taken = 0
  for (const surface of colors) {
    for (const text of colors) {
      const given = { ground: surface, surface, text }
      let both: ReturnType<typeof palettes>
      try {
        both = palettes({ accent: '#cc0044', light: given, dark: given })
      } catch {
        expect(contrast(text, surface)).toBeLessThan(4.5)
        continue
      }
      taken++
      for (const palette of [both.light, both.dark]) {
        for (const [one, ground] of textOnGround(palette)) {
          expect(contrast(one, ground), `${one} on ${ground}, of ${text} on ${surface}`).toBeGreaterThanOrEqual(4.5)
        }
        expect(contrast(palette.edge, palette.surface)).toBeGreaterThanOrEqual(3)
      }
    }
  }
  expect(taken).toBeGreaterThan(20)
})

test('one scheme alone is for everybody, whatever their browser wants', () => {
  const dark = stylesheet({ ...defaultTheme, schemes: 'dark' })
  expect(dark).toContain('color-scheme: dark;')
  expect(dark).not.toContain('prefers-color-scheme')
  expect(dark).toContain('--surface: #161d1b')
  expect(stylesheet({ ...defaultTheme, schemes: 'light' })).not.toContain('#161d1b')
})

test('a logo is served from here, in the place of the mark and as the icon; in the dark another one', () => {
  const picture = { contentType: 'image/png', bytes: Buffer.from('picture') } as const
  const other = { contentType: 'image/svg+xml', bytes: Buffer.from('<svg/>') } as const
  const { logo, mark, assets } = createSite({ host: 'id.example.com', logo: { light: picture, dark: other } })
  expect(assets.map(({ path }) => path.replace(/\.[\w-]{16}\./, '.'))).toEqual([
    '/assets/pages.css',
    '/assets/logo.png',
    '/assets/logo.svg',
  ])
  expect([mark.contentType, mark.body]).toEqual(['image/png', picture.bytes])
  expect(logo?.dark).toBeDefined()
  const alone = createSite({ host: 'x', theme: { schemes: 'dark' }, logo: { light: picture, dark: other } })
  expect(alone.mark.contentType).toBe('image/svg+xml')
})

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return String(error)
  }
  return ''
}

test('the stylesheet has both schemes, loads nothing and uses no variable that it does not set', () => {
  const text = stylesheet(defaultTheme)
  expect(text).toContain('prefers-color-scheme: dark')
  expect(text).toContain('prefers-reduced-motion')
  expect(text).not.toMatch(/url\(|@import|expression|<\//)
  const names = new Set([...text.matchAll(/var\((--[a-z-]+)\)/g)].map(match => match[1]))
  for (const name of names) expect(text).toContain(`${name}:`)
  expect(text.split('{').length).toBe(text.split('}').length)
})

test('another theme has another address, so a cached stylesheet is never the wrong one', () => {
  const plain = createSite({ host: 'id.example.com' })
  const red = createSite({ host: 'id.example.com', theme: { accent: '#cc0000' }, basePath: '/auth' })
  expect(plain.assets.map(({ path }) => path)).toEqual([
    expect.stringMatching(/^\/assets\/pages\.[\w-]{16}\.css$/),
    expect.stringMatching(/^\/assets\/mark\.[\w-]{16}\.svg$/),
  ])
  for (const [index, asset] of red.assets.entries()) {
    expect(asset.path.startsWith('/auth/assets/')).toBe(true)
    expect(asset.path.endsWith(plain.assets[index]?.path.slice(8) ?? '')).toBe(false)
  }
})
