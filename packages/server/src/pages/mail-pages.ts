import { describeDevice } from './describe-device.ts'
import { field, hidden } from './form.ts'
import { type Html, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { banner, foreignName, layout } from './layout.ts'
import { exactTime, machineTime, timeElement } from './relative-time.ts'
import { type Problem, problemText } from './sign-in-page.ts'
import type { Site } from './site.ts'
import { type WayIn, wayHint } from './ways-in-page.ts'

/*
 * The pages around mails: asking for a new password, and where links lead.
 */

/** Where a new password is asked for. */
export interface ForgotModel {
  readonly csrf: string
  readonly email?: string
  /** `email_invalid` stands beside the field. */
  readonly problem?: Problem
  /** The same whether there is such an account or not. */
  readonly isSent?: boolean
  readonly signInUrl: string
}

export function forgotPage(site: Site, model: ForgotModel): string {
  const { forgot } = site.texts
  const { problem, email } = model
  const back = html`<p class="aside"><a href="${href(model.signInUrl)}">${forgot.back}</a></p>`
  if (model.isSent) return messagePage(site, forgot.sent, back)
  const text = problem && problemText(site, problem, site.texts.problem.signUp)
  const isField = problem?.reason === 'email_invalid'
  return layout(site, {
    title: forgot.title,
    failed: problem !== undefined,
    content: html`<div class="card">
<h1>${forgot.title}</h1>
<p class="lead">${forgot.lead}</p>
${text !== undefined && !isField && banner('error', text)}
<form method="post" novalidate>
${hidden({ csrf: model.csrf })}
${field({ id: 'email', name: 'email', type: 'email', label: site.texts.email, autocomplete: 'username', value: email, error: isField ? text : undefined, focused: true })}
<button class="button main" type="submit">${forgot.submit}</button>
</form>
${back}
</div>`,
  })
}

/** The form for a new password. */
export interface ResetModel {
  readonly csrf: string
  /** Says which link the page is of. */
  readonly shown: string
  readonly email: string
  readonly passwordMinLength: number
  /** `password_unacceptable` stands beside the field. */
  readonly problem?: Problem
}

export function resetPage(site: Site, model: ResetModel): string {
  const { reset } = site.texts
  const { problem } = model
  const text = problem && problemText(site, problem, site.texts.problem.account)
  const isField = problem?.reason === 'password_unacceptable'
  return layout(site, {
    title: reset.title,
    failed: problem !== undefined,
    warnsOfAddress: true,
    content: html`<div class="card">
<h1>${reset.title}</h1>
<p class="lead">${fill(reset.lead, { address: foreignName(model.email) })}</p>
${text !== undefined && !isField && banner('error', text)}
<form method="post" novalidate>
${hidden({ csrf: model.csrf, shown: model.shown })}
${field({ id: 'new_password', name: 'new_password', type: 'password', label: site.texts.account.newPassword, autocomplete: 'new-password', minLength: model.passwordMinLength, hint: fill(site.texts.signUp.passwordHint, { characters: model.passwordMinLength }), error: isField ? text : undefined, focused: true })}
<p class="hint">${reset.ends}</p>
<button class="button main" type="submit">${reset.submit}</button>
</form>
</div>`,
  })
}

export function resetDonePage(site: Site, { signInUrl }: { readonly signInUrl: string }): string {
  const { reset } = site.texts
  return messagePage(site, reset.done, mainLink(signInUrl, reset.signIn))
}

/** What a new password has left in an account. Times are milliseconds since 1970. */
export interface LeftModel {
  readonly now: number
  readonly ways: readonly Pick<WayIn, 'title' | 'who' | 'linkedAt'>[]
  readonly applications: readonly { readonly name: string; readonly allowedAt: number }[]
  /** Leads on to where it can be taken away. */
  readonly signInUrl: string
}

/** After a new password, where something is left by which somebody may come back: only its user knows what of it is theirs. */
export function resetLeftPage(site: Site, { now, ways, applications, signInUrl }: LeftModel): string {
  const { reset } = site.texts
  const timeOf = (time: number): Html => timeElement(time, now, site.language)
  const row = (title: string, hint: Html): Html => html`<li class="way"><div><h3><bdi>${title}</bdi></h3>
<p class="hint">${hint}</p></div></li>`
  return messagePage(
    site,
    reset.done,
    html`<h2 class="left-title">${reset.left.title}</h2>
<p class="hint">${reset.left.hint}</p>
<ul class="ways" role="list">
${ways.map(way => row(way.title, wayHint(site, way, now)))}
${applications.map(({ name, allowedAt }) => row(name, fill(reset.left.allowed, { time: timeOf(allowedAt) })))}
</ul>
${mainLink(signInUrl, reset.left.signIn)}`,
  )
}

/** Where an address is confirmed. */
export interface VerifyModel {
  readonly csrf: string
  /** Says which link the page is of. */
  readonly shown: string
  readonly email: string
  /** Nobody is signed in to the account in this browser: its password is asked for, or a sign-in by other means. */
  readonly asksFor?: 'password' | 'sign-in'
  /** Where one comes back from with the link. */
  readonly signInUrl: string
  /** Absent where nobody has a password. */
  readonly forgotUrl?: string
  readonly problem?: Problem
}

export function verifyPage(site: Site, model: VerifyModel): string {
  const { verify } = site.texts
  const { problem } = model
  const text = problem && problemText(site, problem, site.texts.problem.signIn)
  return layout(site, {
    title: verify.title,
    failed: problem !== undefined,
    warnsOfAddress: model.asksFor === 'password',
    content: html`<div class="card">
<h1>${verify.title}</h1>
<p class="lead">${fill(verify.lead, { address: foreignName(model.email) })}</p>
${text !== undefined && banner('error', text, 'form-problem')}
${model.asksFor === 'sign-in' ? html`<p class="hint">${verify.signInFirst}</p>${mainLink(model.signInUrl, site.texts.reset.signIn)}` : verifyForm(site, model)}
${model.forgotUrl !== undefined && html`<p class="aside">${verify.notMine} <a href="${href(model.forgotUrl)}">${verify.notMineLink}</a></p>`}
</div>`,
  })
}

function verifyForm({ texts: { verify } }: Site, { csrf, shown, asksFor, problem }: VerifyModel): Html {
  return html`<form method="post" novalidate>
${hidden({ csrf, shown })}
${asksFor === 'password' && field({ id: 'password', name: 'password', type: 'password', label: verify.password, autocomplete: 'current-password', errorId: problem && 'form-problem', focused: true })}
<button class="button main" type="submit">${verify.submit}</button>
</form>`
}

export function verifyDonePage(site: Site, { accountUrl }: { accountUrl: string }): string {
  const { verify } = site.texts
  return messagePage(site, verify.done, mainLink(accountUrl, verify.toAccount))
}

/** The page with the one button. */
export interface NotMeModel {
  readonly csrf: string
  /** Says which link the page is of. */
  readonly shown: string
  /** Time in milliseconds since 1970. Absent: nothing is known of it any more, or the mail was about none. */
  readonly session?: { readonly device: string; readonly ip: string; readonly time: number }
  /** Nobody has a password: nothing is to be chosen afterwards. */
  readonly withoutPassword?: true
}

export function notMePage(site: Site, { csrf, shown, session, withoutPassword }: NotMeModel): string {
  const { notMe } = site.texts
  const endsAll = session === undefined ? notMe.endsAll : notMe.endsAllSince
  return layout(site, {
    title: notMe.title,
    content: html`<div class="card">
<h1>${notMe.title}</h1>
<p class="lead">${notMe.lead}</p>
${
  session &&
  html`<dl>
<div><dt>${notMe.device}</dt><dd><bdi>${describeDevice(site.language, session.device)}</bdi></dd></div>
<div><dt>${notMe.address}</dt><dd><bdi>${session.ip}</bdi></dd></div>
<div><dt>${notMe.time}</dt><dd><time datetime="${machineTime(session.time)}">${exactTime(session.time, site.language)}</time></dd></div>
</dl>`
}
<form method="post">
${hidden({ csrf, shown })}
<button class="button main danger" type="submit" aria-describedby="ends">${notMe.submit}</button>
<p class="hint" id="ends">${withoutPassword ? endsAll : notMe.ends}</p>
</form>
<p class="aside">${notMe.itWasMe}</p>
</div>`,
  })
}

/** `signInUrl`: nobody has a password here; else the new one is set by a mail. */
export function notMeDonePage(site: Site, { signInUrl }: { readonly signInUrl?: string } = {}): string {
  const { notMe, reset } = site.texts
  return signInUrl === undefined
    ? messagePage(site, notMe.ended)
    : messagePage(site, notMe.done, mainLink(signInUrl, reset.signIn))
}

/** For a link that was used, is too old, or never was one: which of them is told nobody. */
export function linkOverPage(site: Site, way: { readonly forgotUrl: string } | { readonly signInUrl: string }): string {
  const { linkOver, reset } = site.texts
  const on = 'forgotUrl' in way ? mainLink(way.forgotUrl, linkOver.again) : mainLink(way.signInUrl, reset.signIn)
  return messagePage(site, linkOver, on)
}

function mainLink(url: string, label: string): Html {
  return html`<p class="way-on"><a class="button main" href="${href(url)}">${label}</a></p>`
}

export function messagePage(
  site: Site,
  { title, advice }: { readonly title: string; readonly advice: string },
  more?: Html,
): string {
  return layout(site, {
    title,
    content: html`<div class="card">
<h1>${title}</h1>
<p role="status">${advice}</p>
${more}
</div>`,
  })
}
