/**
 * Markup that cannot be broken out of: a tagged template that knows where each value stands.
 *
 * The template's own text is read once. It tells for every `${…}` whether it is text, a quoted attribute value,
 * a URL or a list of attributes; a value of the wrong kind, an unquoted attribute, a script, a style or an event
 * handler is a TypeError when the page is first rendered, so no test has to look for them in finished pages.
 *
 * @module
 */

import { createHash } from 'node:crypto'

const markup: unique symbol = Symbol('markup')
const address: unique symbol = Symbol('address')
const attributeText: unique symbol = Symbol('attributeText')

/** Finished markup. The key is a symbol, so nothing parsed from JSON or a form can pass for it. */
export interface Html {
  readonly [markup]: string
}

/** A URL that `href` has checked. */
export interface Href {
  readonly [address]: string
}

/** Attributes made by `attributes`. */
export interface Attributes {
  readonly [attributeText]: string
}

/** What may stand in text: strings are escaped, nothing is printed for `undefined` and `false`. */
export type Content = Html | string | number | undefined | false | readonly Content[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for HTML text and for quoted attribute values. Control characters and lone surrogates become U+FFFD. */
export function escapeHtml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '\ufffd')
      .replace(/[&<>"']/g, character => entities[character] ?? '')
  )
}

/**
 * A URL for `href` and `src`: a path of this origin, or an absolute http(s) URL without user name.
 * Anything else (`javascript:`, `//host`, `/\host`, control characters) is a TypeError: such a URL is a mistake of ours.
 */
export function href(url: string): Href {
  const path = /^\/(?![/\\])/.test(url)
  const absolute = /^https?:\/\/[^/\\?#@]+(?:[/?#]|$)/i.test(url) && URL.canParse(url)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers drop them from URLs, which changes the meaning
  if (!(path || absolute) || /[\u0000-\u0020\u007f\\]/.test(url)) {
    throw new TypeError('A page may link only to http(s) URLs and to paths of its own origin.')
  }
  return { [address]: url }
}

/** Attributes that depend on the model: `true` prints the name alone, `undefined` and `false` print nothing. */
export function attributes(values: Readonly<Record<string, string | number | boolean | undefined>>): Attributes {
  let text = ''
  for (const [name, value] of Object.entries(values)) {
    if (kindOfValue(name) === 'url') throw new TypeError(`The attribute ${name} takes a checked URL in the template.`)
    if (value === undefined || value === false) continue
    text += value === true ? ` ${name}` : ` ${name}="${escapeHtml(String(value))}"`
  }
  return { [attributeText]: text }
}

/** The template: `` html`<p>${text}</p>` ``. See the module's text for what it refuses. */
export function html(strings: TemplateStringsArray, ...values: readonly (Content | Href | Attributes)[]): Html {
  let places = placesByTemplate.get(strings)
  if (places === undefined) {
    places = readPlaces(strings)
    placesByTemplate.set(strings, places)
  }
  let text = strings[0] ?? ''
  for (const [index, value] of values.entries()) text += print(places[index], value) + (strings[index + 1] ?? '')
  return { [markup]: text }
}

/** A script of our own: text that is the same on every page, which the page's policy allows by its hash (CSP3 §2.3.1). */
export function fixedScript(text: string): { script: Html; hash: string } {
  if (text.includes('<')) throw new TypeError('A script that holds markup could be read otherwise than it is meant.')
  const hash = createHash('sha256').update(text).digest('base64')
  return { script: { [markup]: `<script>${text}</script>` }, hash: `'sha256-${hash}'` }
}

/** The text of finished markup. */
export function htmlText(content: Html): string {
  return content[markup]
}

type Place = 'text' | 'value' | 'url' | 'attributes'

const placesByTemplate = new WeakMap<TemplateStringsArray, readonly Place[]>()

function print(place: Place | undefined, value: Content | Href | Attributes): string {
  if (place === 'text') return printText(value as Content)
  if (place === 'value' && (typeof value === 'string' || typeof value === 'number')) return escapeHtml(String(value))
  if (place === 'url' && isObject(value) && address in value) return escapeHtml(value[address])
  if (place === 'attributes' && isObject(value) && attributeText in value) return value[attributeText]
  throw new TypeError(`A value of the wrong kind stands where a template takes ${place}.`)
}

function printText(value: Content): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  if (Array.isArray(value)) return value.map(printText).join('')
  if (isObject(value) && markup in value) return value[markup] as string
  throw new TypeError('A value of the wrong kind stands where a template takes text.')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

const forbiddenElements = new Set(['script', 'style', 'iframe', 'object', 'embed', 'base', 'template', 'textarea'])
const urlAttributes = new Set(['href', 'src', 'action', 'formaction', 'xlink:href', 'poster', 'data', 'srcset', 'ping'])

function kindOfValue(attribute: string): 'value' | 'url' {
  const name = attribute.toLowerCase()
  if (!/^[a-z][a-z0-9:-]*$/.test(name)) throw new TypeError('An attribute of a template has no usable name.')
  if (name.startsWith('on') || name === 'style' || name === 'srcdoc') {
    throw new TypeError(`The attribute ${name} has no place on a page.`)
  }
  return urlAttributes.has(name) ? 'url' : 'value'
}

/** Where the values of one template stand. Every template begins and ends in text, so pieces nest safely. */
function readPlaces(strings: TemplateStringsArray): readonly Place[] {
  const places: Place[] = []
  let inside: 'text' | 'tag' | 'value' = 'text'
  let valueKind: 'value' | 'url' = 'value'
  for (const [index, piece] of strings.entries()) {
    let rest = piece
    while (rest !== '') {
      if (inside === 'text') {
        const open = rest.indexOf('<')
        if (open === -1) break
        const name = /^<[/!]?([a-z][a-z0-9]*)/i.exec(rest.slice(open))
        if (name === null) throw new TypeError('A template has a stray < in its text.')
        if (forbiddenElements.has((name[1] ?? '').toLowerCase())) {
          throw new TypeError(`The element ${name[1]} has no place on a page.`)
        }
        rest = rest.slice(open + name[0].length)
        inside = 'tag'
      } else if (inside === 'value') {
        const close = rest.indexOf('"')
        if (close === -1) break
        rest = rest.slice(close + 1)
        inside = 'tag'
      } else {
        const part = /^(?:\s+|\/?>|([^\s"'=<>/]+)(="?)?)/.exec(rest)
        if (part === null) throw new TypeError('A template has an attribute that is not in double quotes.')
        rest = rest.slice(part[0].length)
        if (part[1] !== undefined) valueKind = kindOfValue(part[1])
        if (part[2] === '=') throw new TypeError('A template has an attribute that is not in double quotes.')
        if (part[2] === '="') inside = 'value'
        if (part[0].endsWith('>')) inside = 'text'
      }
    }
    if (index < strings.length - 1) {
      places.push(inside === 'text' ? 'text' : inside === 'tag' ? 'attributes' : valueKind)
    }
  }
  if (inside !== 'text') throw new TypeError('A template ends inside a tag.')
  return places
}
