import type { MailKind } from '@countersign/core'
import { describeDevice } from '../pages/describe-device.ts'
import { type Html, href, html, htmlText } from '../pages/html.ts'
import type { Texts } from '../pages/language/catalogue.ts'
import type { Language } from '../pages/language/language.ts'
import { fillText, type Sentence } from '../pages/language/sentence.ts'
import { exactTime } from '../pages/relative-time.ts'
import { colorScheme } from '../pages/stylesheet.ts'
import { type Palette, palettes, type Theme } from '../pages/theme.ts'
import type { MailContent } from './mailer.ts'
import type { MailMessage } from './transport.ts'

/** What all mails of one installation have in common. */
export interface MailLooks {
  /** The name of the installation. */
  readonly name: string
  /** Nobody has a password, so that no mail speaks of one. */
  readonly withoutPassword?: boolean
  readonly theme: Theme
}

/** What one mail says, and to whom. */
export interface MailWanted {
  readonly content: MailContent
  readonly to: string
  readonly url: string
  /** Its account has none. */
  readonly hasNoPassword?: boolean
}

/** The words of a mail as text and as HTML, which say the same. `to` is the address as its user wrote it. */
export function composeMail(
  { name, theme, withoutPassword }: MailLooks,
  language: Language,
  mail: MailWanted & { kind: MailKind; messageId: string },
): MailMessage {
  const { content, to, url } = mail
  const { mail: words, time } = language.texts
  const facts: Facts = {
    site: name,
    address: to,
    time: exactTime(content.time, language),
    device: content.device === undefined ? time.unknown : describeDevice(language, content.device),
    ip: content.ip ?? time.unknown,
    until: exactTime(content.until ?? content.time, language),
  }
  const endsAll = content.sessionId === undefined ? words.endsAll : words.endsAllSince
  const said = words[wordsOf[mail.kind]]
  const title = say(said.subject, facts)
  const advice = mail.hasNoPassword && 'adviceWithoutPassword' in said ? said.adviceWithoutPassword : said.advice
  const before = [said.what, 'where' in said ? said.where : undefined, advice]
    .filter(message => message !== undefined)
    .map(message => say(message, facts))
  const parts: Parts = {
    title,
    before,
    link: { label: said.link, url },
    after: withoutPassword && tellsOfSessions.has(mail.kind) ? endsAll : said.otherwise,
    foot: say(mail.kind === 'invitation' ? words.footOfInvitation : words.foot, facts),
  }
  const text = [...before, `${said.link}:\n${url}`, parts.after, `-- \n${parts.foot}`].join('\n\n')
  return {
    to,
    subject: oneLine(title),
    text: `${text}\n`,
    html: mailDocument({ name, theme }, language, parts),
    messageId: mail.messageId,
    language: language.tag,
  }
}

/** Where the words of a kind stand in the catalogue. */
const wordsOf = {
  verify_address: 'verifyAddress',
  reset_password: 'resetPassword',
  new_device: 'newDevice',
  token_reused: 'tokenReused',
  token_repeated: 'tokenRepeated',
  password_changed: 'passwordChanged',
  way_added: 'wayAdded',
  invitation: 'invitation',
} as const satisfies Record<MailKind, keyof Texts['mail']>

/** Those whose link ends all sessions. */
const tellsOfSessions: ReadonlySet<MailKind> = new Set<MailKind>([
  'new_device',
  'token_reused',
  'token_repeated',
  'password_changed',
  'way_added',
])

/** What a sentence can name. */
type Facts = Readonly<Record<'site' | 'address' | 'time' | 'device' | 'ip' | 'until', string>>

function say(message: string | Sentence<keyof Facts>, facts: Facts): string {
  return typeof message === 'string' ? message : fillText(message, facts)
}

/** Whatever an operator calls their installation, a header is one line. What turns the writing around is no harm there, and needed. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim()
}

interface Parts {
  readonly title: string
  readonly before: readonly string[]
  readonly link: { readonly label: string; readonly url: string }
  readonly after: string
  readonly foot: string
}

/** One layout for all. A mail program runs nothing and may drop the style: it has to read well without. */
function mailDocument(
  { name, theme }: MailLooks,
  language: Language,
  { title, before, link, after, foot }: Parts,
): string {
  const body = html`<body><table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" class="card" cellpadding="0" cellspacing="0"><tr><td class="inner">
<p class="brand"><b>${name}</b></p>
<h1>${title}</h1>
${before.map(paragraph)}
<p><a class="button" href="${href(link.url)}">${link.label}</a></p>
${paragraph(after)}
<p class="quiet">${language.texts.mail.linkAsText}<br><a href="${href(link.url)}" dir="ltr">${link.url}</a></p>
</td></tr></table>
<p class="quiet foot">${foot}</p>
</td></tr></table></body>`
  const head = html`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="${colorScheme(theme)}"><title>${title}</title>`
  // The template has no place for a style; this one is ours, and nothing that anybody else has written is in it.
  return `<!doctype html>\n${htmlText(html`<html lang="${language.tag}" dir="${language.direction}"><head>${head}`)}<style>${style(theme)}</style></head>\n${htmlText(body)}</html>\n`
}

function paragraph(text: string): Html {
  return html`<p>${text}</p>\n`
}

/** Of the theme what mail programs can be trusted with. */
function style(theme: Theme): string {
  const { light, dark } = palettes(theme)
  const { schemes, radiusPixels: radius } = theme
  const rules = `body{margin:0;padding:24px 12px;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
.card{width:100%;max-width:560px;border-style:solid;border-width:1px;border-radius:${radius}px;text-align:start}
.inner{padding:28px}
h1{font-size:20px;line-height:1.3;margin:0 0 16px}
p{margin:0 0 16px;overflow-wrap:anywhere}
.button{display:inline-block;padding:12px 20px;border-radius:${Math.round(radius / 2)}px;text-decoration:none;font-weight:600}
.quiet{font-size:13px}
.foot{max-width:560px;margin:16px auto 0}
`
  if (schemes !== 'both') return rules + colors(schemes === 'dark' ? dark : light)
  return `${rules}${colors(light)}\n@media (prefers-color-scheme:dark){${colors(dark)}}`
}

function colors({ ground, ink, surface, line, accentInk, accent, onAccent, quiet }: Palette): string {
  return `body{background:${ground};color:${ink}}.card{background:${surface};border-color:${line}}.brand,.quiet a{color:${accentInk}}.button{background:${accent};color:${onAccent}}.quiet{color:${quiet}}`
}
