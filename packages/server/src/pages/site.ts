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
  readonly theme: Theme
  /** Takes the place of the mark. */
  readonly logo: { readonly light: Href; readonly dark?: Href } | undefined
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
  readonly body: string | Buffer
}

/** A picture of the operator's. Pages load it from here alone. */
export interface Picture {
  readonly contentType: 'image/svg+xml' | 'image/png' | 'image/webp'
  readonly bytes: Buffer
}

/** The same for both schemes, or one for each. */
export interface Logo {
  readonly light: Picture
  readonly dark?: Picture
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
  readonly logo?: Logo
}

/** Computes stylesheet and addresses once. A theme that cannot be used is a `WrongDeclaration`, at start and not at the first visit. */
export function createSite(options: SiteOptions): Site {
  const { host, name = 'Countersign', basePath = '', languages = createLanguages() } = options
  const theme = { ...defaultTheme, ...options.theme }
  const style = asset(basePath, 'pages', 'css', 'text/css; charset=utf-8', stylesheet(theme))
  const mark = asset(basePath, 'mark', 'svg', 'image/svg+xml', logoFile(palettes(theme).light.accent))
  const { light, dark } = logoAssets(basePath, options.logo, theme)
  const icon = light ?? mark
  return {
    name,
    host,
    language: languages.first,
    texts: languages.first.texts,
    menu: [],
    theme,
    logo: light && { light: href(light.path), ...(dark && { dark: href(dark.path) }) },
    stylesheet: href(style.path),
    icon: href(icon.path),
    mark: icon,
    assets: [style, icon, ...(dark ? [dark] : [])],
  }
}

/** The same site in another language, with a menu of what else there is. */
export function inLanguage(site: Site, language: Language, menu: readonly MenuItem[] = []): Site {
  return { ...site, language, texts: language.texts, menu }
}

/** Where there is one scheme alone, its picture is the picture. */
function logoAssets(basePath: string, logo: Logo | undefined, { schemes }: Theme): { light?: Asset; dark?: Asset } {
  if (logo === undefined) return {}
  const [light, dark] = [logo.light, logo.dark].map(picture => picture && pictureAsset(basePath, picture))
  if (light === undefined) return {}
  if (dark === undefined || schemes === 'light') return { light }
  return schemes === 'dark' ? { light: dark } : { light, dark }
}

function pictureAsset(basePath: string, { contentType, bytes }: Picture): Asset {
  return asset(basePath, 'logo', contentType.replace(/^image\/|\+xml$/g, ''), contentType, bytes)
}

function asset(basePath: string, name: string, ending: string, contentType: string, body: string | Buffer): Asset {
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  return { path: `${basePath}/assets/${name}.${hash}.${ending}`, contentType, body }
}
