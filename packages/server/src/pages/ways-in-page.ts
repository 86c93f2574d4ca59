import { commandForm } from './command-form.ts'
import { type Html, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { banner, layout, signedInAs } from './layout.ts'
import { timeElement } from './relative-time.ts'
import { type Problem, problemText } from './sign-in-page.ts'
import type { Site } from './site.ts'

/** What the hidden field `command` of the page's forms says. */
export type WaysInCommand = 'sign_out' | 'unlink'

const ownForm = commandForm<WaysInCommand>

/** An account elsewhere. Times are milliseconds since 1970. */
export interface WayIn {
  readonly connection: string
  readonly subject: string
  /** "Google" */
  readonly title: string
  /** As it is known there: an address or a name. */
  readonly who?: string
  readonly linkedAt: number
}

/** Every form posts to the page's own URL with `csrf` and `command`; `unlink` adds `connection` and `subject`. */
export interface WaysInModel {
  readonly csrf: string
  readonly now: number
  readonly user: { readonly email: string; readonly name?: string }
  readonly hasPassword: boolean
  readonly ways: readonly WayIn[]
  /** What can be added; the links are good in this browser, for a while. */
  readonly more: readonly { readonly title: string; readonly url: string }[]
  /** Present if one has to sign in once more before anything can be changed. */
  readonly confirmUrl?: string
  readonly accountUrl: string
  readonly done?: 'link' | 'unlink'
  readonly problem?: Problem
}

/** The page where people see how they can sign in, and change it. */
export function waysInPage(site: Site, model: WaysInModel): string {
  const { waysIn, account } = site.texts
  const { done, problem, user, confirmUrl } = model
  return layout(site, {
    title: waysIn.title,
    failed: problem !== undefined,
    width: 'wide',
    corner: ownForm(model, 'sign_out', html`<button class="button" type="submit">${account.signOut}</button>`),
    content: html`<div class="welcome">
<h1>${waysIn.title}</h1>
<p class="lead">${signedInAs(account.signedInAs, user)}</p>
<p><a href="${href(model.accountUrl)}">${waysIn.toAccount}</a></p>
</div>
${problem && banner('error', problemText(site, problem, site.texts.problem.account))}
${done !== undefined && banner('success', waysIn.done[done])}
${
  confirmUrl !== undefined &&
  html`<section class="card" aria-labelledby="confirm-title">
<h2 id="confirm-title">${waysIn.confirmTitle}</h2>
<p class="hint">${waysIn.confirmHint}</p>
<p class="way-on"><a class="button main" href="${href(confirmUrl)}">${waysIn.confirm}</a></p>
</section>`
}
<section class="card" aria-labelledby="ways-title">
<h2 id="ways-title">${waysIn.yours}</h2>
<ul class="ways" role="list">
${model.hasPassword && html`<li class="way"><h3>${site.texts.password}</h3></li>`}
${model.ways.map(way => wayRow(site, model, way))}
</ul>
</section>
${
  model.more.length > 0 &&
  html`<section class="card" aria-labelledby="more-title">
<h2 id="more-title">${waysIn.more}</h2>
<p class="hint">${waysIn.moreHint}</p>
<ul class="way-links" role="list">${model.more.map(({ title, url }) => html`<li><a class="button" href="${href(url)}"><span>${fill(waysIn.add, { title })}</span></a></li>`)}</ul>
</section>`
}`,
  })
}

/** As which account it is known there, and since when. */
export function wayHint(
  { texts: { waysIn }, language }: Site,
  { who, linkedAt }: Pick<WayIn, 'who' | 'linkedAt'>,
  now: number,
): Html {
  const time = timeElement(linkedAt, now, language)
  return who === undefined ? fill(waysIn.since, { time }) : fill(waysIn.knownAs, { account: who, time })
}

function wayRow(site: Site, model: WaysInModel, way: WayIn): Html {
  const { waysIn } = site.texts
  const isOnly = !model.hasPassword && model.ways.length === 1
  return html`<li class="way">
<div><h3><bdi>${way.title}</bdi></h3>
<p class="hint">${wayHint(site, way, model.now)}</p></div>
${isOnly && html`<p class="hint">${waysIn.onlyOne}</p>`}
${
  !isOnly &&
  model.confirmUrl === undefined &&
  ownForm(
    model,
    'unlink',
    html`<button class="button danger" type="submit">${waysIn.remove}<span class="unseen">${fill(waysIn.removeWhich, { way: way.title })}</span></button>`,
    { connection: way.connection, subject: way.subject },
  )
}
</li>`
}
