/**
 * What an operator may change about the looks, and the colours that follow from it.
 * Of an accent its variants are computed, so that text keeps a contrast of 4.5 : 1 (WCAG 2.2, 1.4.3) on every ground and in both schemes, whatever accent was chosen. Text that
 * cannot be read on the ground that was given for it is refused, with a colour that could be.
 *
 * @module
 */

import { WrongDeclaration } from '../wrong-declaration.ts'
import { brighten, contrast, mix, readable } from './color.ts'

/** The looks of the hosted pages. Colours are `#rrggbb`. */
export interface Theme {
  readonly accent: string
  readonly light: SchemeColors
  readonly dark: SchemeColors
  /** Which there are; `both`: as the browser wants it. */
  readonly schemes: 'both' | 'light' | 'dark'
  /** Corners of cards; fields and buttons follow. 0 to 32. */
  readonly radiusPixels: number
  /** Names of fonts that people have, as in CSS. None is loaded. */
  readonly font: string
}

/** What can be chosen of one scheme; everything else follows. */
export interface SchemeColors {
  /** Takes the place of the accent of both. */
  readonly accent?: string
  /** Behind everything. */
  readonly ground?: string
  /** Of cards and fields. */
  readonly surface?: string
  readonly text?: string
}

/** The looks when nothing is configured. */
export const defaultTheme: Theme = {
  accent: '#0e6b5c',
  light: {},
  dark: {},
  schemes: 'both',
  radiusPixels: 16,
  font: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
}

/** The colours of one scheme, as `#rrggbb`. */
export interface Palette {
  readonly ground: string
  readonly surface: string
  readonly sunken: string
  readonly ink: string
  readonly quiet: string
  readonly line: string
  readonly edge: string
  readonly danger: string
  readonly dangerGround: string
  readonly success: string
  readonly successGround: string
  /** Fill of the main button. */
  readonly accent: string
  /** Text on the fill. */
  readonly onAccent: string
  /** What the fill is mixed with under the pointer: away from its text. */
  readonly accentHover: string
  /** The accent as text, links and focus rings. */
  readonly accentInk: string
}

const light = {
  ground: '#f4f4ef',
  surface: '#ffffff',
  sunken: '#f1f1eb',
  ink: '#17201d',
  quiet: '#55605b',
  line: '#e1e2da',
  edge: '#838b86',
  danger: '#a3231f',
  dangerGround: '#fdf0ee',
  success: '#1d6338',
  successGround: '#edf6ee',
}

const dark = {
  ground: '#0e1312',
  surface: '#161d1b',
  sunken: '#1e2624',
  ink: '#e9eeeb',
  quiet: '#a3aeaa',
  line: '#2a3431',
  edge: '#72807b',
  danger: '#ff9d94',
  dangerGround: '#331b19',
  success: '#8fd6a5',
  successGround: '#15291c',
}

/** The palettes of a theme. What is no colour, and text that cannot be read, is a `WrongDeclaration`. */
export function palettes({ accent, light: givenLight, dark: givenDark }: Pick<Theme, 'accent' | 'light' | 'dark'>): {
  readonly light: Palette
  readonly dark: Palette
} {
  const [own, ownDark] = [givenLight.accent ?? accent, givenDark.accent ?? accent]
  checkColors({ accent, 'light.accent': own, 'dark.accent': ownDark })
  const lightBase = baseOf('light', light, givenLight)
  const darkBase = baseOf('dark', dark, givenDark)
  const lightInk = accentInkOf(share => mix(own, '#000000', share), lightBase)
  const darkInk = accentInkOf(share => brighten(ownDark, share), darkBase)
  return {
    light: { ...lightBase, ...fill(own), accentInk: lightInk },
    dark: { ...darkBase, ...fill(givenDark.accent ?? darkInk), accentInk: darkInk },
  }
}

type Base = typeof light

/** As it is, or with what follows from the colours that were given. */
function baseOf(name: 'light' | 'dark', standard: Base, given: SchemeColors): Base {
  const { ground = standard.ground, surface = standard.surface, text: ink = standard.ink } = given
  checkColors({ [`${name}.ground`]: ground, [`${name}.surface`]: surface, [`${name}.text`]: ink })
  if (given.ground === undefined && given.surface === undefined && given.text === undefined) return standard
  // A ground that is near the surface, and as far from the text as the surface where it must be.
  const tinted = (color: string, share: number) =>
    readable(back => mix(mix(surface, color, share), surface, back), [ink], textContrast + 0.1)
  const sunken = tinted(ink, 0.06)
  const grounds = { ground, surface }
  for (const [under, color] of Object.entries(grounds)) checkText(`${name}.text`, ink, `${name}.${under}`, color)
  const toInk = (color: string) => (share: number) => mix(color, ink, share)
  const [dangerGround, successGround] = [tinted(standard.danger, 0.08), tinted(standard.success, 0.08)]
  return {
    ground,
    surface,
    sunken,
    ink,
    quiet: readable(toInk(mix(ink, surface, 0.35)), [ground, surface, sunken]),
    line: mix(surface, ink, 0.12),
    edge: readable(toInk(mix(surface, ink, 0.4)), [surface, ground], 3.2),
    danger: readable(toInk(standard.danger), [ground, surface, dangerGround]),
    dangerGround,
    success: readable(toInk(standard.success), [ground, surface, successGround]),
    successGround,
  }
}

function accentInkOf(shade: (share: number) => string, { ground, surface, sunken, ink }: Base): string {
  const grounds = [ground, surface, sunken]
  const found = readable(shade, grounds)
  return grounds.every(under => contrast(found, under) >= textContrast) ? found : ink
}

/** Of text (WCAG 2.2, 1.4.3). */
const textContrast = 4.5

function checkText(name: string, text: string, groundName: string, ground: string): void {
  const found = contrast(text, ground)
  if (found >= textContrast) return
  const end = contrast('#000000', ground) >= contrast('#ffffff', ground) ? '#000000' : '#ffffff'
  const better = readable(share => mix(text, end, share), [ground])
  throw new WrongDeclaration(
    `theme.${name}: ${text} cannot be read on ${groundName} ${ground}: the contrast is ${found.toFixed(1)}, and must be ${textContrast} (WCAG 2.2, 1.4.3). ${better} would do.`,
  )
}

function checkColors(colors: Readonly<Record<string, string>>): void {
  for (const [name, color] of Object.entries(colors)) {
    if (!/^#[0-9a-f]{6}$/i.test(color)) throw new WrongDeclaration(`theme.${name}: must be a colour such as #0e6b5c.`)
  }
}

/** Black or white on it, whichever reads better; one of them always reaches 4.5. */
function fill(accent: string): Pick<Palette, 'accent' | 'onAccent' | 'accentHover'> {
  return contrast('#ffffff', accent) >= contrast('#000000', accent)
    ? { accent, onAccent: '#ffffff', accentHover: '#000000' }
    : { accent, onAccent: '#000000', accentHover: '#ffffff' }
}
