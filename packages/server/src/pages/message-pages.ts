import { type Reason, type Refusal, reasons } from '@countersign/protocol'
import { hidden } from './form.ts'
import { type Html, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { foreignName, layout } from './layout.ts'
import { describeWait } from './relative-time.ts'
import type { Site } from './site.ts'

/** After signing out. */
export interface SignedOutModel {
  /** All sessions were ended, not this one alone. */
  readonly everywhere?: boolean
  readonly signInUrl?: string
  /** Where one came from; only a registered address. */
  readonly application?: { readonly name: string; readonly url: string }
}

/** The page after signing out. */
export function signedOutPage(site: Site, model: SignedOutModel): string {
  const { signedOut } = site.texts
  return layout(site, {
    title: signedOut.title,
    content: html`<div class="card">
<h1>${signedOut.title}</h1>
<p role="status">${model.everywhere ? signedOut.everywhere : signedOut.text}</p>
${model.application && html`<p class="way-on"><a class="button main" href="${href(model.application.url)}"><span>${fill(signedOut.backTo, { application: foreignName(model.application.name) })}</span></a></p>`}
${model.signInUrl !== undefined && html`<p class="way-on"><a class="button main" href="${href(model.signInUrl)}">${signedOut.signInAgain}</a></p>`}
</div>`,
  })
}

/** Seen for a moment by those who have signed in elsewhere, or for as long as their browser does not move on by itself. */
export function goOnPage(site: Site, { url }: { readonly url: string }): string {
  const { goOn } = site.texts
  return layout(site, {
    title: goOn.title,
    content: html`<div class="card">
<h1>${goOn.title}</h1>
<p class="way-on"><a class="button main" href="${href(url)}">${goOn.link}</a></p>
</div>`,
  })
}

/** An expected "no" on a page. */
export interface ErrorModel extends Pick<Refusal, 'reason' | 'detail'> {
  /** Finds the request in the log. */
  readonly reference?: string
  /** A way back; only to a registered address, never to one from the request. */
  readonly application?: WayBack
}

/** Leads to an application. */
export interface WayBack {
  readonly name: string
  readonly url: string
  /** Named beside it, where nobody here knows the application. */
  readonly host?: string
  /** Sent in a form, where the application wants its answer so; absent: a link. */
  readonly fields?: Readonly<Record<string, string>>
}

function wayBack({ texts: { error } }: Site, { name, url, host, fields }: WayBack): Html {
  const label = html`<span>${fill(error.backTo, { application: foreignName(name) })}</span>`
  const way =
    fields === undefined
      ? html`<p class="way-on"><a class="button main" href="${href(url)}">${label}</a></p>`
      : html`<form method="post" action="${href(url)}">${hidden(fields)}<button class="button main" type="submit">${label}</button></form>`
  return html`${host !== undefined && html`<p>${fill(error.leadsTo, { host: foreignName(host) })}</p>`}${way}`
}

/** What happened and what can be done, with the reason for those who must find out why. */
export function errorPage(site: Site, model: ErrorModel): string {
  const { error } = site.texts
  const words: Readonly<Partial<Record<Reason, typeof error.otherwise>>> = error.byReason
  const { title, advice } = words[model.reason] ?? error.otherwise
  return layout(site, {
    title,
    failed: true,
    content: html`<div class="card">
<h1>${title}</h1>
<p role="alert">${advice}</p>
${model.application && wayBack(site, model.application)}
<section class="details" aria-labelledby="details-title">
<h2 id="details-title">${error.forDevelopers}</h2>
<dl>
<div><dt>${error.reason}</dt><dd><code>${model.reason}</code></dd></div>
<div><dt>${error.description}</dt><dd lang="en" dir="ltr">${model.detail ?? reasons[model.reason].text}</dd></div>
${model.reference !== undefined && html`<div><dt>${error.reference}</dt><dd><code>${model.reference}</code></dd></div>`}
</dl>
</section>
</div>`,
  })
}

/** The page for addresses that do not exist. */
export function notFoundPage(site: Site, model: { readonly homeUrl?: string } = {}): string {
  const { notFound } = site.texts
  return layout(site, {
    title: notFound.title,
    failed: true,
    content: html`<div class="card">
<h1>${notFound.title}</h1>
<p>${notFound.advice}</p>
${model.homeUrl !== undefined && html`<p class="way-on"><a class="button main" href="${href(model.homeUrl)}">${notFound.home}</a></p>`}
</div>`,
  })
}

/** For 429 and 503. */
export interface WaitModel {
  /** `too_many_attempts` speaks of attempts, every other reason of the service. */
  readonly reason: Refusal['reason']
  readonly retryAfterSeconds: number
  /** Where a GET may be tried again. */
  readonly retryUrl?: string
}

/** "Please wait and try again". It does not reload by itself: that would take control from the reader, and add load. */
export function waitPage(site: Site, model: WaitModel): string {
  const { wait } = site.texts
  const { title, advice } = model.reason === 'too_many_attempts' ? wait.tooManyAttempts : wait.unavailable
  return layout(site, {
    title,
    failed: true,
    content: html`<div class="card">
<h1>${title}</h1>
<p role="alert">${advice} <b>${fill(wait.after, { wait: html`${describeWait(model.retryAfterSeconds, site.language)}` })}</b></p>
${model.retryUrl !== undefined && html`<p class="way-on"><a class="button main" href="${href(model.retryUrl)}">${wait.retry}</a></p>`}
</div>`,
  })
}
