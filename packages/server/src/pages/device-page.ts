import { apiList } from './consent-page.ts'
import { describeDevice } from './describe-device.ts'
import { type DescribedScope, scopeList } from './describe-scopes.ts'
import { field, hidden } from './form.ts'
import { type Html, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { banner, foreignName, layout } from './layout.ts'
import { timeElement } from './relative-time.ts'
import { type Problem, problemText } from './sign-in-page.ts'
import type { Site } from './site.ts'

/** What the hidden field `command` of the pages' forms says; each form has `csrf` and `user_code` besides. */
export type DeviceCommand = 'look' | 'allow' | 'deny'

/** Where the code is typed. */
export interface DeviceCodeModel {
  readonly csrf: string
  /** The address of whoever is signed in. */
  readonly user: string
  /** Filled in: from the link that brought it, or as it was typed before. */
  readonly userCode?: string
  /** `user_code_invalid` stands at the field, everything else on top. */
  readonly problem?: Problem
}

/** The page where people type the code that their device shows (RFC 8628 §3.3). */
export function deviceCodePage(site: Site, model: DeviceCodeModel): string {
  const { texts } = site
  const { device } = texts
  const { problem } = model
  const text = problem && problemText(site, problem, texts.problem.device)
  const isOfCode = problem?.reason === 'user_code_invalid'
  return layout(site, {
    title: device.title,
    failed: problem !== undefined,
    content: html`<div class="card">
<h1>${device.title}</h1>
<p class="lead">${model.userCode === undefined || problem !== undefined ? device.enter : device.compare}</p>
${text !== undefined && !isOfCode && banner('error', text)}
<form method="post" novalidate>
${hidden({ csrf: model.csrf, command: 'look' })}
${field({ id: 'user-code', name: 'user_code', type: 'text', label: device.code, autocomplete: 'off', look: 'code', value: model.userCode, hint: device.codeHint, error: isOfCode ? text : undefined, focused: true })}
<button class="button main" type="submit">${device.goOn}</button>
</form>
<p class="aside">${fill(device.signedInAs, { user: foreignName(model.user) })}</p>
</div>`,
  })
}

/** Who asks, from where and for what. Times are milliseconds since 1970. */
export interface DeviceAskedModel {
  readonly csrf: string
  readonly now: number
  readonly user: string
  /** As the device shows it. */
  readonly userCode: string
  readonly application: { readonly name: string; readonly firstParty: boolean }
  /** False: the application has registered itself, and nobody knows who is behind it. */
  readonly isVerified: boolean
  /** Where the request came from. */
  readonly device: { readonly label: string; readonly ip: string }
  readonly askedAt: number
  readonly scopes: readonly DescribedScope[]
  /** The APIs. */
  readonly audiences: readonly string[]
}

/** The page that asks whether a device may sign in. It warns: codes are also sent by those who want to sign in as somebody else (§5.4). */
export function deviceAskedPage(site: Site, model: DeviceAskedModel): string {
  const { texts } = site
  const { device } = texts
  const { application } = model
  const answer = (command: DeviceCommand, content: Html): Html =>
    html`<form class="answer" method="post">${hidden({ csrf: model.csrf, command, user_code: model.userCode })}${content}</form>`
  return layout(site, {
    title: device.askedTitle,
    content: html`<div class="card">
<h1>${fill(device.asks, { application: foreignName(application.name) })}</h1>
<p class="lead">${fill(device.signedInAs, { user: foreignName(model.user) })}</p>
<dl class="user-code"><dt class="unseen">${device.code}</dt><dd><bdi>${model.userCode}</bdi></dd></dl>
${banner('notice', device.warning)}
${!model.isVerified && banner('notice', texts.applications.unverified)}
<dl class="facts">
${!application.firstParty && html`<div><dt>${device.application}</dt><dd><bdi>${application.name}</bdi></dd></div>`}
<div><dt>${device.from}</dt><dd>${fill(device.place, { device: describeDevice(site.language, model.device.label), address: html`<bdi class="number">${model.device.ip}</bdi>` })}</dd></div>
<div><dt>${device.asked}</dt><dd>${timeElement(model.askedAt, model.now, site.language)}</dd></div>
</dl>
<h2>${device.may}</h2>
${scopeList(model.scopes, device.mayStaySignedIn)}
${apiList(site, model.audiences)}
<div class="answers">
${answer('deny', html`<button class="button" type="submit">${device.deny}</button>`)}
${answer('allow', html`<button class="button main" type="submit">${device.allow}</button>`)}
</div>
</div>`,
  })
}

/** The page afterwards. */
export function deviceDonePage(site: Site, model: { readonly allowed: boolean }): string {
  const { device } = site.texts
  const { title, advice } = model.allowed ? device.allowed : device.denied
  return layout(site, {
    title,
    content: html`<div class="card">
<h1>${title}</h1>
<p role="status">${advice}</p>
</div>`,
  })
}
