import { attributes, type Html, html, htmlText } from './html.ts'
import { logoMark } from './logo.ts'
import type { Site } from './site.ts'

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
  const { texts } = site
  const title = `${frame.title} · ${site.name}`
  return htmlText(html`<!doctype html>
<html lang="${texts.language}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<title>${frame.failed ? texts.errorTitle(title) : title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="stylesheet" href="${site.stylesheet}">
<link rel="icon" type="image/svg+xml" href="${site.icon}">
</head>
<body class="${frame.width ?? 'narrow'}">
<header class="head"><p class="brand">${logo(site)}<span>${site.name}</span></p>${frame.corner}</header>
<main>
${frame.content}
</main>
${frame.warnsOfAddress && html`<footer class="foot">${texts.addressHint(html`<b>${site.host}</b>`)}</footer>`}
</body>
</html>
`)
}

/** A name that somebody else chose: isolated, so that right-to-left characters in it cannot turn the sentence around. */
export function foreignName(text: string): Html {
  return html`<bdi class="name">${text}</bdi>`
}

/** What happened, above a form or list. Errors are announced at once, everything else politely. */
export function banner(tone: 'error' | 'notice' | 'success', text: string, id?: string): Html {
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
    : html`<img class="mark" src="${site.logo}" alt="" width="32" height="32">`
}
