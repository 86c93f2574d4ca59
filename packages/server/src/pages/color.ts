/*
 * Colours as `#rrggbb`: how well one can be read on another (WCAG 2.2), and shades that can.
 */

/** Contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: string, other: string): number {
  const [bright, dim] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (bright + 0.05) / (dim + 0.05)
}

/** The first shade, from 0 to 1, that has the contrast with all grounds; the last one if none has. */
export function readable(shade: (share: number) => string, grounds: readonly string[], least = 5): string {
  let candidate = shade(0)
  for (let step = 1; step <= 60 && grounds.some(ground => contrast(candidate, ground) < least); step += 1) {
    candidate = shade(step / 60)
  }
  return candidate
}

/** Towards white by way of the brightest colour of the same hue, which stays more vivid than mixing with white does. */
export function brighten(color: string, share: number): string {
  const parts = channels(color)
  const brightest = Math.max(...parts)
  const vivid = brightest === 0 ? '#808080' : hex(parts.map(channel => (channel * 255) / brightest))
  return share < 0.6 ? mix(color, vivid, share / 0.6) : mix(vivid, '#ffffff', (share - 0.6) / 0.4)
}

function channels(color: string): [number, number, number] {
  const value = Number.parseInt(color.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

/** `share` of the way from a colour towards another. */
export function mix(color: string, towards: string, share: number): string {
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
