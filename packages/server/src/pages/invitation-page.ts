import { type ConnectionLink, connectionLinks } from './connection-links.ts'
import { field, hidden } from './form.ts'
import { type Html, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { banner, foreignName, layout } from './layout.ts'
import { messagePage } from './mail-pages.ts'
import { type Problem, problemText } from './sign-in-page.ts'
import type { Site } from './site.ts'

/** The form, if there is one, has the fields `password`, `name` (may be empty), `csrf` and `shown`, and posts to the page's own URL. */
export interface InvitationModel {
  readonly csrf: string
  /** Says which invitation the page shows. */
  readonly shown: string
  /** Whom it is for. */
  readonly email: string
  readonly name?: string
  /** Absent where an account cannot begin with a password: no form. */
  readonly passwordMinLength?: number
  /** Other ways to begin. */
  readonly connections: readonly ConnectionLink[]
  /** `password_unacceptable` stands beside its field, everything else on top. */
  readonly problem?: Problem
}

/** Where an invitation is accepted. */
export function invitationPage(site: Site, model: InvitationModel): string {
  const { invitation, problem: problems } = site.texts
  const { problem, passwordMinLength } = model
  const text = problem && problemText(site, problem, { ...problems.signUp, ...problems.signIn })
  const isField = problem?.reason === 'password_unacceptable'
  return layout(site, {
    title: invitation.title,
    failed: problem !== undefined,
    warnsOfAddress: passwordMinLength !== undefined,
    content: html`<div class="card">
<h1>${invitation.title}</h1>
<p class="lead">${fill(invitation.lead, { address: foreignName(model.email) })}</p>
${text !== undefined && !isField && banner('error', text, 'form-problem')}
${passwordMinLength !== undefined && form(site, model, passwordMinLength, isField ? text : undefined)}
${connectionLinks(site, model.connections, passwordMinLength === undefined)}
</div>`,
  })
}

function form({ texts }: Site, model: InvitationModel, minLength: number, error: Html | string | undefined): Html {
  return html`<form method="post" novalidate>
${hidden({ csrf: model.csrf, shown: model.shown })}
<input type="email" autocomplete="username" value="${model.email}" aria-label="${texts.email}" readonly hidden>
${field({ id: 'password', name: 'password', type: 'password', label: texts.password, autocomplete: 'new-password', minLength, hint: fill(texts.signUp.passwordHint, { characters: minLength }), error, focused: true })}
${field({ id: 'name', name: 'name', type: 'text', label: texts.signUp.name, optional: texts.optional, autocomplete: 'name', value: model.name })}
<button class="button main" type="submit">${texts.invitation.submit}</button>
</form>`
}

/** For an invitation that stands no more, or never was one: which of them is told nobody. */
export function invitationOverPage(site: Site, { signInUrl }: { readonly signInUrl: string }): string {
  const way = html`<p class="way-on"><a class="button main" href="${href(signInUrl)}">${site.texts.signIn.submit}</a></p>`
  return messagePage(site, site.texts.invitation.over, way)
}
