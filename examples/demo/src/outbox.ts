import type { IncomingMessage, ServerResponse } from 'node:http'
import type { MailMessage, MailTransport } from '@countersign/server'

/*
 * What the demo's mails go to: a page. It shows links with which passwords can be set, so it answers this machine only, as the laboratory does.
 */

export interface Outbox {
  /** For the server, in place of a mail server. */
  readonly transport: MailTransport
  /** Answers `/outbox` and what lies below it; false for all else. */
  answer(request: IncomingMessage, response: ServerResponse): boolean
}

interface SentMail extends MailMessage {
  readonly number: number
  readonly time: Date
}

const keptAtMost = 100

export function createOutbox(clock: () => number): Outbox {
  const mails: SentMail[] = []
  let sent = 0
  return {
    transport: {
      send(message) {
        // A mailbox shows a mail once that was handed over twice.
        if (!mails.some(({ messageId }) => messageId === message.messageId)) {
          mails.unshift({ ...message, number: ++sent, time: new Date(clock()) })
          mails.splice(keptAtMost)
        }
        return Promise.resolve({ sent: true })
      },
      close() {},
    },
    answer(request, response) {
      if (request.url === scriptPath) {
        send(response, 200, fitScript, pagePolicy, 'text/javascript')
        return true
      }
      const [, number, isHtml] = /^\/outbox(?:\/(\d+)(\.html)?)?\/?$/.exec(request.url ?? '') ?? []
      if (!/^\/outbox(?:[/?]|$)/.test(request.url ?? '')) return false
      const mail = number === undefined ? undefined : mails.find(one => one.number === Number(number))
      if (number !== undefined && mail === undefined) send(response, 404, page('No such mail', missing))
      else if (mail === undefined) send(response, 200, page('Outbox', list(mails)))
      else if (isHtml === undefined) send(response, 200, page(mail.subject, shown(mail)))
      else send(response, 200, mail.html.replace('<head>', '<head><base target="_blank">'), mailPolicy)
      return true
    },
  }
}

const scriptPath = '/outbox/fit.js'
/** The frame is as high as its mail, so that there is one thing to scroll. Without it, the frame scrolls. */
const fitScript = `const frame = document.querySelector('iframe.mail')
function fit() {
  // Between two documents there may be none.
  if (!frame.contentDocument?.documentElement) return
  frame.style.blockSize = '0'
  frame.style.blockSize = frame.contentDocument.documentElement.scrollHeight + 2 + 'px'
}
if (frame !== null) {
  frame.addEventListener('load', fit)
  addEventListener('resize', fit)
  fit()
}
`

const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
/** As a mail program shows a mail: nothing runs, nothing is loaded; links open beside it. It has our origin, so that its height can be read, and no script that could use that. */
const mailPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"

function send(response: ServerResponse, status: number, text: string, policy = pagePolicy, type = 'text/html'): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  })
  response.end(text)
}

function list(mails: readonly SentMail[]): string {
  if (mails.length === 0) {
    return `<h1>Outbox</h1>
<p class="lead">No mail yet. Make a new account, ask for a new password on the sign-in page, or sign in with another browser: what the server would send is shown here.</p>`
  }
  const rows = mails.map(
    ({ number, subject, to, time }) =>
      `<li class="mail-row"><a href="/outbox/${number}"><b>${escaped(subject)}</b></a><br><span class="hint">to <bdi>${escaped(to)}</bdi>, <time datetime="${time.toISOString()}">${time.toISOString().slice(0, 19).replace('T', ' ')} UTC</time></span></li>`,
  )
  return `<h1>Outbox</h1>
<p class="lead">What the server has sent since it started, the newest first. <a href="/outbox">Look again</a></p>
<ul class="mails">${rows.join('\n')}</ul>`
}

function shown({ number, subject, to, text }: SentMail): string {
  const linked = escaped(text).replace(/https?:\/\/[^\s&]+/g, url => `<a href="${url}">${url}</a>`)
  return `<p class="way-back"><a href="/outbox">Outbox</a></p>
<h1>${escaped(subject)}</h1>
<p class="hint">to <bdi>${escaped(to)}</bdi></p>
<iframe class="mail" src="/outbox/${number}.html" title="The mail as HTML" sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"></iframe>
<h2>As plain text</h2>
<pre class="mail-text" dir="auto">${linked}</pre>`
}

const missing = `<h1>No such mail</h1><p class="lead">It may be from before the last start. <a href="/outbox">Outbox</a></p>`

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escaped(title)} · Countersign demo</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="/app/icon.svg">
<link rel="stylesheet" href="/app/style.css">
<script type="module" src="${scriptPath}"></script>
</head>
<body>
<header class="head"><p class="brand"><img class="mark" src="/app/icon.svg" alt="" width="32" height="32"><a href="/">Countersign demo</a></p></header>
<main><div class="app"><section class="card">
${content}
</section></div></main>
</body>
</html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, one => `&#${one.charCodeAt(0)};`)
}
