import { createHash } from 'node:crypto'
import { type Href, href } from './html.ts'
import type { Texts } from './language/catalogue.ts'
import type { Language } from './language/language.ts'
import { createLanguages, type Languages } from './language/languages.ts'
import { logoFile } from './logo.ts'
import { stylesheet } from './stylesheet.ts'
import { defaultTheme, palettes, type Theme } from './theme.ts'

/** What every page of one installation has in common. */
export interface Site {
  /** Shown in the head of every page and in titles. */
  readonly name: string
  /** The host that people should see in the address bar when they type their password. */
  readonly host: string
  readonly language: Language
  /** Those of the language. */
  readonly texts: Texts
  /** Other languages that the page can be had in; empty: none are offered. */
  readonly menu: readonly MenuItem[]
  readonly logo: Href | undefined
  readonly stylesheet: Href
  readonly icon: Href
  /** What the icon shows. */
  readonly mark: Asset
  /** To be served as they are, with `assetHeaders(contentType)`. */
  readonly assets: readonly Asset[]
}

/** A language to choose; without an address: the one that is shown. */
export interface MenuItem {
  readonly language: Language
  readonly url?: string
}

/** A file that pages load. */
export interface Asset {
  /** Holds a hash of the content, so a changed file has another path. */
  readonly path: string
  readonly contentType: string
  readonly text: string
}

/** What an operator sets. */
export interface SiteOptions {
  readonly host: string
  readonly name?: string
  /** Path of the issuer without a slash at its end: `''` or `/auth`. */
  readonly basePath?: string
  /** The first of them is spoken, until `inLanguage` says otherwise. */
  readonly languages?: Languages
  readonly theme?: Partial<Theme>
  /** Takes the place of the mark. If it is on another origin, `pageHeaders` must be told. */
  readonly logoUrl?: string
}

/** Computes stylesheet and addresses once. A theme or URL that cannot be used is a TypeError, at start and not at the first visit. */
export function createSite(options: SiteOptions): Site {
  const { host, name = 'Countersign', basePath = '', languages = createLanguages(), logoUrl } = options
  const theme = { ...defaultTheme, ...options.theme }
  const style = asset(basePath, 'pages', 'css', 'text/css; charset=utf-8', stylesheet(theme))
  const icon = asset(basePath, 'mark', 'svg', 'image/svg+xml', logoFile(palettes(theme).light.accent))
  return {
    name,
    host,
    language: languages.first,
    texts: languages.first.texts,
    menu: [],
    logo: logoUrl === undefined ? undefined : href(logoUrl),
    stylesheet: href(style.path),
    icon: href(icon.path),
    mark: icon,
    assets: [style, icon],
  }
}

/** The same site in another language, with a menu of what else there is. */
export function inLanguage(site: Site, language: Language, menu: readonly MenuItem[] = []): Site {
  return { ...site, language, texts: language.texts, menu }
}

function asset(basePath: string, name: string, ending: string, contentType: string, text: string): Asset {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 16)
  return { path: `${basePath}/assets/${name}.${hash}.${ending}`, contentType, text }
}
