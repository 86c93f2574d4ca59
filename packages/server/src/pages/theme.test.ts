import { expect, test } from 'vitest'
import { createSite } from './site.ts'
import { stylesheet } from './stylesheet.ts'
import { contrast, defaultTheme, type Palette, palettes } from './theme.ts'

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
    const { light, dark } = palettes({ accent })
    for (const [text, ground] of [...textOnGround(light), ...textOnGround(dark)]) {
      expect(contrast(text, ground), `${text} on ${ground}, accent ${accent}`).toBeGreaterThanOrEqual(4.5)
    }
  }
})

test('edges of inputs and rings of focus have a contrast of 3 (WCAG 2.2, 1.4.11)', () => {
  for (const accent of accents) {
    const { light, dark } = palettes({ accent })
    for (const { edge, accentInk, surface, ground } of [light, dark]) {
      expect(contrast(edge, surface)).toBeGreaterThanOrEqual(3)
      for (const under of [surface, ground]) expect(contrast(accentInk, under)).toBeGreaterThanOrEqual(3)
    }
  }
})

test('a theme that could carry foreign rules is refused', () => {
  expect(() => palettes({ accent: 'red;}body{display:none' })).toThrow(TypeError)
  expect(() => stylesheet({ ...defaultTheme, radiusPixels: Number.NaN })).toThrow(TypeError)
  expect(() => stylesheet({ ...defaultTheme, radiusPixels: -1 })).toThrow(TypeError)
  expect(() => createSite({ host: 'id.example.com', logoUrl: 'javascript:alert(1)' })).toThrow(TypeError)
})

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
