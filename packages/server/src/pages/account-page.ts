import type { Reason } from '@countersign/protocol'
import { commandForm } from './command-form.ts'
import { describeDevice } from './describe-device.ts'
import { field } from './form.ts'
import { type Html, href, html } from './html.ts'
import { fill, listOf } from './language/sentence.ts'
import { banner, foreignName, layout, signedInAs } from './layout.ts'
import { deviceIcon } from './logo.ts'
import { describeTime, timeElement } from './relative-time.ts'
import { type Problem, problemText } from './sign-in-page.ts'
import type { Site } from './site.ts'

/** What the hidden field `command` of the page's forms says. */
export type AccountCommand =
  | 'sign_out'
  | 'end_session'
  | 'end_others'
  | 'end_all'
  | 'change_password'
  | 'verify_address'

const ownForm = commandForm<AccountCommand>

/** One row. Times are milliseconds since 1970. */
export interface AccountSession {
  readonly id: string
  /** "Chrome on Windows" */
  readonly device: string
  /** Names of the applications that the session is used by; empty for the hosted pages alone. */
  readonly applications: readonly string[]
  readonly ip: string
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly current: boolean
}

/**
 * Every form posts to the page's own URL with `csrf` and `command`; `end_session` adds `session_id`, `change_password`
 * adds `current_password` and `new_password`.
 */
export interface AccountModel {
  readonly csrf: string
  readonly now: number
  readonly user: { readonly email: string; readonly name?: string }
  /** In any order: the page shows this device first, then the last seen. */
  readonly sessions: readonly AccountSession[]
  readonly applicationsUrl: string
  /** Present if there are other ways to sign in. */
  readonly waysInUrl?: string
  /** Absent for users without a password: no form. */
  readonly passwordMinLength?: number
  /** Present where nobody has shown yet that the address is theirs, and a mail can be sent for that. */
  readonly verification?: { readonly text: Html; readonly again: string; readonly sent?: string | false }
  /** What has just been done. */
  readonly done?: 'end_session' | 'end_others' | 'change_password'
  /** `login_failed` and `password_unacceptable` stand in the password form, everything else on top. */
  readonly problem?: Problem
}

/** The page where people see and end their sessions. */
export function accountPage(site: Site, model: AccountModel): string {
  const { account } = site.texts
  const { done, problem } = model
  const text = problem && problemText(site, problem, site.texts.problem.account)
  const wrongField = problem && fieldOfReason[problem.reason]
  return layout(site, {
    title: account.title,
    failed: problem !== undefined,
    width: 'wide',
    corner: ownForm(model, 'sign_out', html`<button class="button" type="submit">${account.signOut}</button>`),
    content: html`<div class="welcome">
<h1>${account.title}</h1>
<p class="lead">${signedInAs(account.signedInAs, model.user)}</p>
</div>
${text !== undefined && wrongField === undefined && banner('error', text)}
${done !== undefined && banner('success', account.done[done])}
${model.verification && verificationNotice(model, model.verification)}
${sessionsSection(site, model)}
${applicationsSection(site, model)}
${waysInSection(site, model)}
${model.passwordMinLength !== undefined && passwordSection(site, model, model.passwordMinLength, wrongField, text)}`,
  })
}

function verificationNotice(
  model: AccountModel,
  { text, again, sent }: NonNullable<AccountModel['verification']>,
): Html {
  if (sent) return banner('success', sent)
  return ownForm(
    model,
    'verify_address',
    html`<div class="card verification"><p class="hint">${text}</p><p class="way-on"><button class="button" type="submit">${again}</button></p></div>`,
  )
}

function sessionsSection(site: Site, model: AccountModel): Html {
  const { account } = site.texts
  const sessions = [...model.sessions].sort(
    (one, other) => Number(other.current) - Number(one.current) || other.lastSeenAt - one.lastSeenAt,
  )
  const others = sessions.some(session => !session.current)
  return html`<section class="card" aria-labelledby="sessions-title">
<h2 id="sessions-title">${account.sessions}</h2>
<p class="hint">${others ? hintOf(site, model) : account.noSessions}</p>
<ul class="sessions" role="list">
${sessions.map(session => sessionRow(site, model, session))}
</ul>
<div class="ending">
${
  others &&
  ownForm(
    model,
    'end_others',
    html`<button class="button danger" type="submit" aria-describedby="end-others-hint">${account.endOthers}</button>
<p class="hint" id="end-others-hint">${account.endOthersHint}</p>`,
  )
}
<details>
<summary class="button">${account.endAll}</summary>
${ownForm(
  model,
  'end_all',
  html`<p class="hint" id="end-all-hint">${account.endAllHint}</p>
<button class="button danger" type="submit" aria-describedby="end-all-hint">${account.endAllConfirm}</button>`,
)}
</details>
</div>
</section>`
}

function hintOf({ texts: { account } }: Site, { passwordMinLength }: AccountModel): string {
  return passwordMinLength === undefined ? account.sessionsHintWithoutPassword : account.sessionsHint
}

function applicationsSection(site: Site, { applicationsUrl }: AccountModel): Html {
  const { account } = site.texts
  return html`<section class="card" aria-labelledby="applications-title">
<h2 id="applications-title">${account.applicationsTitle}</h2>
<p class="hint">${account.applicationsHint}</p>
<p class="way-on"><a class="button" href="${href(applicationsUrl)}">${account.applicationsLink}</a></p>
</section>`
}

function waysInSection(site: Site, { waysInUrl }: AccountModel): Html | false {
  const { waysIn } = site.texts
  if (waysInUrl === undefined) return false
  return html`<section class="card" aria-labelledby="ways-in-title">
<h2 id="ways-in-title">${waysIn.title}</h2>
<p class="hint">${waysIn.hint}</p>
<p class="way-on"><a class="button" href="${href(waysInUrl)}">${waysIn.link}</a></p>
</section>`
}

function sessionRow(site: Site, model: AccountModel, session: AccountSession): Html {
  const { account } = site.texts
  const device = describeDevice(site.language, session.device)
  const lastSeen = describeTime(session.lastSeenAt, model.now, site.language)
  return html`<li class="session">
${deviceIcon(session.device)}
<div class="session-text">
<h3>${foreignName(device)}${session.current && html`<span class="badge">${account.thisDevice}</span>`}</h3>
<dl>
${session.applications.length > 0 && html`<div class="whole"><dt>${account.applications}</dt><dd>${listOf(site.language.tag, session.applications.map(foreignName))}</dd></div>`}
<div><dt>${account.lastSeen}</dt><dd>${timeElement(session.lastSeenAt, model.now, site.language)}</dd></div>
<div><dt>${account.created}</dt><dd>${timeElement(session.createdAt, model.now, site.language)}</dd></div>
<div class="whole"><dt>${account.address}</dt><dd class="number"><bdi>${session.ip === '' ? site.texts.time.unknown : session.ip}</bdi></dd></div>
</dl>
</div>
${
  !session.current &&
  ownForm(
    model,
    'end_session',
    html`<button class="button" type="submit">${account.end}<span class="unseen">${fill(account.endWhich, { device, lastSeen })}</span></button>`,
    { session_id: session.id },
  )
}
</li>`
}

function passwordSection(
  site: Site,
  model: AccountModel,
  minLength: number,
  wrongField: 'current' | 'new' | undefined,
  problem: Html | string | undefined,
): Html {
  const { texts } = site
  return html`<section class="card" aria-labelledby="password-title">
<h2 id="password-title">${texts.account.passwordTitle}</h2>
<p class="hint">${texts.account.passwordHint}</p>
${ownForm(
  model,
  'change_password',
  html`<input type="email" autocomplete="username" value="${model.user.email}" aria-label="${texts.email}" readonly hidden>
${field({ id: 'current-password', name: 'current_password', type: 'password', label: texts.account.currentPassword, autocomplete: 'current-password', error: wrongField === 'current' ? problem : undefined, focused: wrongField === 'current' })}
${field({ id: 'new-password', name: 'new_password', type: 'password', label: texts.account.newPassword, autocomplete: 'new-password', minLength, hint: fill(texts.signUp.passwordHint, { characters: minLength }), error: wrongField === 'new' ? problem : undefined, focused: wrongField === 'new' })}
<button class="button main" type="submit">${texts.account.changePassword}</button>`,
)}
</section>`
}

const fieldOfReason: Readonly<Partial<Record<Reason, 'current' | 'new'>>> = {
  login_failed: 'current',
  password_unacceptable: 'new',
}
