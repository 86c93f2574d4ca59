import { type Html, html } from './html.ts'

/**
 * The mark: a seal cut in two along a toothed line. Two halves that fit prove each other, as the indentures of old did
 * and as a countersign answers a signature.
 */
const leftHalf = 'M16.6 2.02A14 14 0 1 0 13.9 29.84L17.1 24.2 12.1 19.6 17.1 15 12.1 10.4Z'
const rightHalf = 'M19.5 2.44 15.3 10.5 20.3 15.1 15.3 19.7 20.3 24.3 17.2 29.95A14 14 0 0 0 19.5 2.44Z'

/** The mark as inline SVG, in the page's accent. Decorative: the name stands beside it. */
export function logoMark(): Html {
  return html`<svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false"><path class="mark-sign" d="${leftHalf}"/><path class="mark-countersign" d="${rightHalf}"/></svg>`
}

/** The mark as a file, for the browser's tab. */
export function logoFile(accent: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="${accent}"><path d="${leftHalf}"/><path fill-opacity=".55" d="${rightHalf}"/></g></svg>\n`
}

type DeviceKind = 'computer' | 'phone' | 'tablet' | 'program'

/** Guesses from a device label ("Chrome on Windows") which picture fits; only decoration hangs on it. */
function deviceKind(label: string): DeviceKind {
  if (/\biPad|tablet/i.test(label)) return 'tablet'
  if (/\b(?:iPhone|iPod|Android|iOS|phone)\b/i.test(label)) return 'phone'
  if (/ on (?:Windows|macOS|Linux|ChromeOS|Ubuntu|FreeBSD|OpenBSD)/.test(label)) return 'computer'
  return 'program'
}

const deviceShapes: Readonly<Record<DeviceKind, string>> = {
  computer: 'M4 5.5A1.5 1.5 0 0 1 5.5 4h13A1.5 1.5 0 0 1 20 5.5V15H4ZM2.5 19h19',
  phone:
    'M8.5 2.5h7A1.5 1.5 0 0 1 17 4v16a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 7 20V4a1.5 1.5 0 0 1 1.5-1.5ZM11 18.5h2',
  tablet:
    'M5.5 3h13A1.5 1.5 0 0 1 20 4.5v15a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 19.5v-15A1.5 1.5 0 0 1 5.5 3ZM11 18h2',
  program:
    'M4.5 4h15A1.5 1.5 0 0 1 21 5.5v13a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 18.5v-13A1.5 1.5 0 0 1 4.5 4ZM7 9l3 3-3 3M12.5 15H17',
}

/** A small picture of a device. Decorative: the label stands beside it. */
export function deviceIcon(label: string): Html {
  return html`<svg class="device-icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false"><path d="${deviceShapes[deviceKind(label)]}"/></svg>`
}
