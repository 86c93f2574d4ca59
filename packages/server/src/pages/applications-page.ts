import { commandForm } from './command-form.ts'
import { describeDevice } from './describe-device.ts'
import { type DescribedScope, scopeList } from './describe-scopes.ts'
import { type Html, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { banner, foreignName, layout, signedInAs } from './layout.ts'
import { deviceIcon } from './logo.ts'
import { describeTime, timeElement } from './relative-time.ts'
import { type Problem, problemText } from './sign-in-page.ts'
import type { Site } from './site.ts'

/** What the hidden field `command` of the page's forms says. */
export type ApplicationsCommand = 'sign_out' | 'end_login' | 'end_application' | 'withdraw'

const ownForm = commandForm<ApplicationsCommand>

/** One application. Times are milliseconds since 1970. */
export interface ApplicationRow {
  readonly clientId: string
  readonly name: string
  /** Where the browser goes when it signs in there; absent for applications that are gone. */
  readonly host?: string
  /** False: it has registered itself. */
  readonly isVerified: boolean
  readonly scopes: readonly DescribedScope[]
  /** When the user allowed it; absent for an application that need not ask. */
  readonly allowedAt?: number
  readonly lastUsedAt: number
  readonly logins: readonly ApplicationLoginRow[]
}

/** The application on one device. */
export interface ApplicationLoginRow {
  readonly familyId: string
  readonly device: string
  readonly createdAt: number
  readonly lastUsedAt: number
  /** The session of the browser that shows the page. */
  readonly isHere: boolean
  /** It outlives the browser's session. */
  readonly isOffline: boolean
}

/** Every form posts to the page's own URL with `csrf` and `command`; `end_login` adds `family_id`, the others `client_id`. */
export interface ApplicationsModel {
  readonly csrf: string
  readonly now: number
  readonly user: { readonly email: string; readonly name?: string }
  readonly applications: readonly ApplicationRow[]
  readonly done?: Exclude<ApplicationsCommand, 'sign_out'>
  readonly problem?: Problem
  readonly accountUrl: string
}

/** The page where people see what may act for them, and end it. */
export function applicationsPage(site: Site, model: ApplicationsModel): string {
  const { applications, account } = site.texts
  const { done, problem, user } = model
  return layout(site, {
    title: applications.title,
    failed: problem !== undefined,
    width: 'wide',
    corner: ownForm(model, 'sign_out', html`<button class="button" type="submit">${account.signOut}</button>`),
    content: html`<div class="welcome">
<h1>${applications.title}</h1>
<p class="lead">${signedInAs(account.signedInAs, user)}</p>
<p><a href="${href(model.accountUrl)}">${applications.toAccount}</a></p>
</div>
${problem && banner('error', problemText(site, problem, site.texts.problem.account))}
${done !== undefined && banner('success', applications.done[done])}
${differences(site)}
${model.applications.length === 0 && html`<p class="card">${applications.none}</p>`}
${model.applications.map((application, index) => applicationCard(site, model, application, index))}`,
  })
}

/** Three things that people take for one another. */
function differences(site: Site): Html {
  const { applications } = site.texts
  return html`<section class="card" aria-labelledby="differences-title">
<h2 id="differences-title">${applications.differencesTitle}</h2>
<dl class="differences">
${Object.values(applications.differences).map(({ name, text }) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}
</dl>
</section>`
}

function applicationCard(site: Site, model: ApplicationsModel, application: ApplicationRow, index: number): Html {
  const { applications } = site.texts
  const { allowedAt, logins, scopes } = application
  const id = `application-${index}`
  return html`<section class="card application" aria-labelledby="${id}">
<h2 id="${id}">${foreignName(application.name)}</h2>
${application.host !== undefined && html`<p class="asking"><span class="host"><bdi>${application.host}</bdi></span></p>`}
${!application.isVerified && html`<p class="hint">${applications.unverified}</p>`}
<dl class="times">
<div><dt>${applications.lastUsed}</dt><dd>${timeElement(application.lastUsedAt, model.now, site.language)}</dd></div>
${allowedAt !== undefined && html`<div><dt>${applications.allowed}</dt><dd>${timeElement(allowedAt, model.now, site.language)}</dd></div>`}
</dl>
${scopes.length > 0 && html`<h3>${applications.may}</h3>${scopeList(scopes)}`}
<h3>${applications.devices}</h3>
${logins.length === 0 ? html`<p class="hint">${applications.noDevices}</p>` : html`<ul class="sessions" role="list">${logins.map(login => loginRow(site, model, application, login))}</ul>`}
<div class="ending">
${logins.length > 0 && endApplication(site, model, application, id)}
${allowedAt !== undefined && withdrawal(site, model, application, id)}
</div>
</section>`
}

function loginRow(site: Site, model: ApplicationsModel, application: ApplicationRow, login: ApplicationLoginRow): Html {
  const { applications, account } = site.texts
  const device = describeDevice(site.language, login.device)
  const lastUsed = describeTime(login.lastUsedAt, model.now, site.language)
  return html`<li class="session">
${deviceIcon(login.device)}
<div class="session-text">
<p class="device">${foreignName(device)}${login.isHere && html`<span class="badge">${account.thisDevice}</span>`}${login.isOffline && html`<span class="badge plain">${applications.offline}</span>`}</p>
<dl>
<div><dt>${applications.lastUsed}</dt><dd>${timeElement(login.lastUsedAt, model.now, site.language)}</dd></div>
<div><dt>${account.created}</dt><dd>${timeElement(login.createdAt, model.now, site.language)}</dd></div>
</dl>
</div>
${ownForm(
  model,
  'end_login',
  html`<button class="button" type="submit">${applications.endLogin}<span class="unseen">${fill(applications.endWhich, { application: application.name, device, lastUsed })}</span></button>`,
  { family_id: login.familyId },
)}
</li>`
}

function endApplication(site: Site, model: ApplicationsModel, application: ApplicationRow, id: string): Html {
  const { applications } = site.texts
  return ownForm(
    model,
    'end_application',
    html`<button class="button" type="submit" aria-describedby="${`${id}-end`}">${applications.endApplication}<span class="unseen">${fill(applications.which, { application: application.name })}</span></button>
<p class="hint" id="${`${id}-end`}">${application.allowedAt === undefined ? applications.endImpliedHint : applications.endApplicationHint}</p>`,
    { client_id: application.clientId },
  )
}

function withdrawal(site: Site, model: ApplicationsModel, application: ApplicationRow, id: string): Html {
  const { applications } = site.texts
  return html`<details>
<summary class="button danger">${applications.withdraw}<span class="unseen">${fill(applications.which, { application: application.name })}</span></summary>
${ownForm(
  model,
  'withdraw',
  html`<p class="hint" id="${`${id}-withdraw`}">${applications.withdrawHint}</p>
<button class="button danger" type="submit" aria-describedby="${`${id}-withdraw`}">${applications.withdrawConfirm}<span class="unseen">${fill(applications.which, { application: application.name })}</span></button>`,
  { client_id: application.clientId },
)}
</details>`
}
