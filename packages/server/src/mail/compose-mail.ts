import type { MailKind } from '@countersign/core'
import { type Html, href, html, htmlText } from '../pages/html.ts'
import { palettes, type Theme } from '../pages/theme.ts'
import { mailTexts } from './mail-texts.ts'
import type { MailContent } from './mailer.ts'
import type { MailFacts, MailTexts } from './texts.ts'
import type { MailMessage } from './transport.ts'

/** What all mails of one installation have in common. */
export interface MailLooks {
  /** The name of the installation. */
  readonly name: string
  readonly theme: Theme
  /** Absolute; absent: the name stands alone. Mail programs often show it only when asked to. */
  readonly logoUrl?: string
}

/** The words of a mail as text and as HTML, which say the same. `to` is the address as its user wrote it. */
export function composeMail(
  looks: MailLooks,
  mail: { kind: MailKind; content: MailContent; to: string; url: string | undefined; messageId: string },
): MailMessage {
  const { content, to, url } = mail
  const texts = mailTexts(content.language)
  const words = texts.mails[mail.kind]
  const facts = factsOf(looks, texts, content, to)
  const [before, after] = [words.before, words.after].map(all => all.map(say => say(facts))) as [string[], string[]]
  const foot = texts.mails.foot(facts)
  const link = url !== undefined && words.link !== undefined ? { label: words.link, url } : undefined
  const text = [...before, ...(link ? [`${link.label}:\n${link.url}`] : []), ...after, `-- \n${foot}`].join('\n\n')
  return {
    to,
    subject: oneLine(words.subject(looks.name)),
    text: `${text}\n`,
    html: mailDocument(looks, texts, { title: words.subject(looks.name), before, link, after, foot }),
    messageId: mail.messageId,
    language: texts.language,
  }
}

/** Whatever an operator calls their installation, a header is one line. */
function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').trim()
}

function factsOf({ name }: MailLooks, texts: MailTexts, { time, device, ip }: MailContent, address: string): MailFacts {
  const { unknown } = texts.mails
  const format = new Intl.DateTimeFormat(texts.language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  return { site: name, address, time: `${format.format(time)} UTC`, device: device ?? unknown, ip: ip ?? unknown }
}

type Link = { readonly label: string; readonly url: string } | undefined

interface Parts {
  readonly title: string
  readonly before: readonly string[]
  readonly link: Link
  readonly after: readonly string[]
  readonly foot: string
}

/** One layout for all. A mail program runs nothing and may drop the style: it has to read well without. */
function mailDocument(looks: MailLooks, texts: MailTexts, { title, before, link, after, foot }: Parts): string {
  const body = html`<body><table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" class="card" cellpadding="0" cellspacing="0"><tr><td class="inner">
<p class="brand">${looks.logoUrl !== undefined && html`<img src="${href(looks.logoUrl)}" alt="" width="32" height="32"> `}<b>${looks.name}</b></p>
<h1>${title}</h1>
${before.map(paragraph)}
${link && html`<p><a class="button" href="${href(link.url)}">${link.label}</a></p>`}
${after.map(paragraph)}
${link && html`<p class="quiet">${texts.mails.linkAsText}<br><a href="${href(link.url)}">${link.url}</a></p>`}
</td></tr></table>
<p class="quiet foot">${foot}</p>
</td></tr></table></body>`
  const head = html`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title}</title>`
  // The template has no place for a style; this one is ours, and nothing that anybody else has written is in it.
  return `<!doctype html>\n${htmlText(html`<html lang="${texts.language}" dir="${texts.direction}"><head>${head}`)}<style>${style(looks.theme)}</style></head>\n${htmlText(body)}</html>\n`
}

function paragraph(text: string): Html {
  return html`<p>${text}</p>\n`
}

function style(theme: Theme): string {
  const both = palettes(theme)
  const light = theme.schemes === 'dark' ? both.dark : both.light
  const { dark } = both
  const inTheDark = `@media (prefers-color-scheme:dark){body{background:${dark.ground};color:${dark.ink}}.card{background:${dark.surface};border-color:${dark.line}}.brand,.quiet a{color:${dark.accentInk}}.button{background:${dark.accent};color:${dark.onAccent}}.quiet{color:${dark.quiet}}}`
  return `body{margin:0;padding:24px 12px;background:${light.ground};color:${light.ink};font:16px/1.5 ${theme.font}}
.card{width:100%;max-width:560px;background:${light.surface};border:1px solid ${light.line};border-radius:12px;text-align:start}
.inner{padding:28px}
h1{font-size:20px;line-height:1.3;margin:0 0 16px}
p{margin:0 0 16px;overflow-wrap:anywhere}
.brand{color:${light.accentInk}}
.button{display:inline-block;padding:12px 20px;border-radius:8px;background:${light.accent};color:${light.onAccent};text-decoration:none;font-weight:600}
.quiet{font-size:13px;color:${light.quiet}}
.quiet a{color:${light.accentInk}}
.foot{max-width:560px;margin:16px auto 0}
${theme.schemes === 'both' ? inTheDark : ''}`
}
