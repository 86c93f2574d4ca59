import { attributes, type Html, href, html, htmlText } from './html.ts'
import { fill, fillText, type Sentence } from './language/sentence.ts'
import { logoMark } from './logo.ts'
import type { MenuItem, Site } from './site.ts'
import { colorScheme } from './stylesheet.ts'

/** The frame of one page. */
export interface Frame {
  readonly title: string
  /** The title begins with "Error", so that it is the first thing a screen reader says. */
  readonly failed?: boolean
  /** `narrow`: one card in the middle. `wide`: a column of cards. */
  readonly width?: 'narrow' | 'wide'
  /** Stands at the end of the head line, as the button to sign out does. */
  readonly corner?: Html
  /** Whether the foot says where a password may be typed. */
  readonly warnsOfAddress?: boolean
  readonly content: Html
}

/** A whole document. */
export function layout(site: Site, frame: Frame): string {
  const { language, name } = site
  const { texts } = language
  const title = fillText(frame.failed ? texts.errorTitle : texts.pageTitle, { title: frame.title, site: name })
  return htmlText(html`<!doctype html>
<html lang="${language.tag}" dir="${language.direction}">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${colorScheme(site.theme)}">
<meta name="robots" content="noindex">
<link rel="stylesheet" href="${site.stylesheet}">
<link rel="icon" type="${site.mark.contentType}" href="${site.icon}">
</head>
<body class="${frame.width ?? 'narrow'}">
<header class="head"><p class="brand">${logo(site)}<bdi>${site.name}</bdi></p>${frame.corner}</header>
<main>
${frame.content}
</main>
${foot(site, frame.warnsOfAddress ?? false)}
</body>
</html>
`)
}

function foot(site: Site, warnsOfAddress: boolean): Html | false {
  const { menu, texts } = site
  if (!warnsOfAddress && menu.length === 0) return false
  return html`<footer class="foot">
${warnsOfAddress && html`<p>${fill(texts.addressHint, { host: html`<bdi class="name">${site.host}</bdi>` })}</p>`}
${menu.length > 0 && html`<nav aria-label="${texts.languages}"><ul class="languages">${menu.map(languageItem)}</ul></nav>`}
</footer>`
}

function languageItem({ language, url }: MenuItem): Html {
  const { tag, name, direction } = language
  const label = { lang: tag, dir: direction }
  return url === undefined
    ? html`<li><span aria-current="true" ${attributes(label)}>${name}</span></li>`
    : html`<li><a href="${href(url)}" ${attributes({ ...label, hreflang: tag })}>${name}</a></li>`
}

/** A name that somebody else chose: isolated, so that right-to-left characters in it cannot turn the sentence around. */
export function foreignName(text: string): Html {
  return html`<bdi class="name">${text}</bdi>`
}

/** Who is signed in: the name, and below it the address. */
export function signedInAs(
  sentence: Sentence<'user'>,
  { name, email }: { readonly name?: string; readonly email: string },
): Html {
  return html`${fill(sentence, { user: foreignName(name ?? email) })}${name !== undefined && html`<span class="host"><bdi>${email}</bdi></span>`}`
}

/** What happened, above a form or list. Errors are announced at once, everything else politely. */
export function banner(tone: 'error' | 'notice' | 'success', text: Html | string, id?: string): Html {
  const role = tone === 'error' ? 'alert' : 'status'
  return html`<p class="${`banner banner-${tone}`}" ${attributes({ role, id })}>${bannerIcon(tone)}<span>${text}</span></p>`
}

function bannerIcon(tone: 'error' | 'notice' | 'success'): Html {
  const shape =
    tone === 'success' ? 'M6 10.3l2.7 2.7L14 7.5' : tone === 'error' ? 'M10 5.5v5.2M10 14v.1' : 'M10 9.3v5.2M10 6v.1'
  return html`<svg class="banner-icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false"><circle cx="10" cy="10" r="8.5"/><path d="${shape}"/></svg>`
}

function logo(site: Site): Html {
  return site.logo === undefined
    ? logoMark()
    : html`<picture>${site.logo.dark && html`<source srcset="${site.logo.dark}" media="(prefers-color-scheme: dark)">`}<img class="mark" src="${site.logo.light}" alt="" height="32"></picture>`
}
