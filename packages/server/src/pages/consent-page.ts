import { type DescribedScope, scopeList } from './describe-scopes.ts'
import { hidden } from './form.ts'
import { type Html, href, html } from './html.ts'
import { fill, fillText, listOf } from './language/sentence.ts'
import { banner, foreignName, layout, signedInAs } from './layout.ts'
import { describeLifetime } from './relative-time.ts'
import { type AskingApplication, asking } from './sign-in-page.ts'
import type { Site } from './site.ts'

/** The forms post to the page's own URL with `csrf`, `shown`, `account` (who was asked) and `decision` (`allow` or `deny`). */
export interface ConsentModel {
  readonly csrf: string
  /** Seals what the page shows: a yes is good for nothing else. */
  readonly shown: string
  readonly account: { readonly id: string; readonly email: string; readonly name?: string }
  readonly application: AskingApplication
  /** False: the application has registered itself, and nobody knows who is behind it. */
  readonly isVerified: boolean
  /** Addresses of the application's own pages; shown as text. */
  readonly about: { readonly uri?: string; readonly policyUri?: string; readonly termsUri?: string }
  /** What is new, and what they have allowed before. */
  readonly added: readonly DescribedScope[]
  readonly known: readonly DescribedScope[]
  /** The APIs that are new. */
  readonly audiences: readonly string[]
  /** It may go on while the user is away. */
  readonly isOffline: boolean
  /** How long one sign-in lasts at most. */
  readonly loginSeconds: number
  /** Leads to the sign-in, and back here. */
  readonly otherAccountUrl: string
}

/** Who asks, for what, until when, and with which account. */
export function consentPage(site: Site, model: ConsentModel): string {
  const { consent } = site.texts
  const { application, account } = model
  const isMore = model.known.length > 0
  const until = model.isOffline ? consent.untilWithdrawn : consent.whileSignedIn
  return layout(site, {
    title: fillText(consent.heading, { application: application.name }),
    content: html`<div class="card consent">
<h1>${fill(consent.heading, { application: foreignName(application.name) })}</h1>
${asking(consent.goesTo, application)}
${!model.isVerified && banner('notice', consent.unverified)}
${model.added.length > 0 && list('added', isMore ? consent.more : consent.wants, model.added)}
${apiList(site, model.audiences)}
${isMore && list('known', model.added.length > 0 ? consent.before : consent.again, model.known)}
${model.added.length === 0 && !isMore && html`<p>${consent.nothing}</p>`}
<p class="hint">${fill(until, { lifetime: html`${describeLifetime(model.loginSeconds, site.language)}` })} ${consent.withdraw}</p>
<div class="answers">
${decide(model, 'deny', html`<button class="button" type="submit">${consent.deny}</button>`)}
${decide(model, 'allow', html`<button class="button main" type="submit">${consent.allow}</button>`)}
</div>
${aboutList(site, model)}
<p class="aside">${signedInAs(consent.signedInAs, account)} <a href="${href(model.otherAccountUrl)}">${consent.otherAccount}</a></p>
</div>`,
  })
}

function list(id: string, title: string, scopes: readonly DescribedScope[]): Html {
  return html`<section aria-labelledby="${`${id}-title`}">
<h2 id="${`${id}-title`}">${title}</h2>
${scopeList(scopes)}
</section>`
}

/** The APIs that it is about; nothing if there are none. */
export function apiList({ language, texts }: Site, audiences: readonly string[]): Html | false {
  if (audiences.length === 0) return false
  const names = audiences.map(audience => html`<bdi>${audience}</bdi>`)
  return html`<p class="hint">${fill(texts.consent.apis, { apis: listOf(language.tag, names, 'unit') })}</p>`
}

function aboutList(site: Site, { about }: ConsentModel): Html | false {
  const { consent } = site.texts
  const rows = [
    [consent.home, about.uri],
    [consent.policy, about.policyUri],
    [consent.terms, about.termsUri],
  ].filter((row): row is [string, string] => row[1] !== undefined)
  if (rows.length === 0) return false
  return html`<dl class="about">${rows.map(([name, uri]) => html`<div><dt>${name}</dt><dd><bdi>${uri}</bdi></dd></div>`)}</dl>`
}

function decide(model: ConsentModel, decision: 'allow' | 'deny', button: Html): Html {
  const fields = { csrf: model.csrf, shown: model.shown, account: model.account.id, decision }
  return html`<form class="answer" method="post">${hidden(fields)}${button}</form>`
}
