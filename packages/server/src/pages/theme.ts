/**
 * What an operator may change about the looks, and the colours that follow from it.
 * One accent is given; its variants are computed so that text keeps a contrast of 4.5 : 1 (WCAG 2.2, 1.4.3)
 * on every ground and in both schemes, whatever accent was chosen.
 *
 * @module
 */

/** The looks of the hosted pages. */
export interface Theme {
  /** `#rrggbb`. */
  readonly accent: string
  /** Corners of cards; fields and buttons follow. 0 to 32. */
  readonly radiusPixels: number
}

/** The looks when nothing is configured. */
export const defaultTheme: Theme = { accent: '#0e6b5c', radiusPixels: 16 }

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

/** The palettes for a theme. A colour that is not `#rrggbb` is a TypeError. */
export function palettes(theme: Pick<Theme, 'accent'>): { readonly light: Palette; readonly dark: Palette } {
  const { accent } = theme
  if (!/^#[0-9a-f]{6}$/i.test(accent)) throw new TypeError('The accent of a theme must be a colour like #0e6b5c.')
  const lightInk = readable(share => mix(accent, '#000000', share), [light.ground, light.surface, light.sunken])
  const darkInk = readable(share => brighten(accent, share), [dark.ground, dark.surface, dark.sunken])
  return {
    light: { ...light, ...fill(accent), accentInk: lightInk },
    dark: { ...dark, ...fill(darkInk), accentInk: darkInk },
  }
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: string, other: string): number {
  const [bright, dim] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (bright + 0.05) / (dim + 0.05)
}

/** Black or white on it, whichever reads better; one of them always reaches 4.5. */
function fill(accent: string): Pick<Palette, 'accent' | 'onAccent' | 'accentHover'> {
  return contrast('#ffffff', accent) >= contrast('#000000', accent)
    ? { accent, onAccent: '#ffffff', accentHover: '#000000' }
    : { accent, onAccent: '#000000', accentHover: '#ffffff' }
}

/** The first shade, from the colour itself on, that can be read on all grounds. */
function readable(shade: (share: number) => string, grounds: readonly string[]): string {
  let candidate = shade(0)
  for (let step = 1; step <= 60 && grounds.some(ground => contrast(candidate, ground) < 5); step += 1) {
    candidate = shade(step / 60)
  }
  return candidate
}

/** Towards white by way of the brightest colour of the same hue, which stays more vivid than mixing with white does. */
function brighten(color: string, share: number): string {
  const parts = channels(color)
  const brightest = Math.max(...parts)
  const vivid = brightest === 0 ? '#808080' : hex(parts.map(channel => (channel * 255) / brightest))
  return share < 0.6 ? mix(color, vivid, share / 0.6) : mix(vivid, '#ffffff', (share - 0.6) / 0.4)
}

function channels(color: string): [number, number, number] {
  const value = Number.parseInt(color.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

function mix(color: string, towards: string, share: number): string {
  const target = channels(towards)
  return hex(channels(color).map((channel, index) => channel + ((target[index] ?? 0) - channel) * share))
}

function hex(parts: readonly number[]): string {
  return `#${parts.map(part => Math.round(part).toString(16).padStart(2, '0')).join('')}`
}

function luminance(color: string): number {
  const [red, green, blue] = channels(color).map(channel => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
