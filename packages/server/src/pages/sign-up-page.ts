import type { Reason } from '@countersign/protocol'
import { type ConnectionLink, connectionLinks } from './connection-links.ts'
import { field, hidden } from './form.ts'
import { type Html, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { banner, layout } from './layout.ts'
import { type AskingApplication, asking, type Problem, problemText } from './sign-in-page.ts'
import type { Site } from './site.ts'

/** The form, if there is one, has the fields `email`, `password`, `name` (may be empty) and `csrf`, and posts to the page's own URL, query included. */
export interface SignUpModel {
  readonly csrf: string
  readonly application?: AskingApplication
  readonly email?: string
  readonly name?: string
  readonly passwordMinLength: number
  /** `email_taken`, `email_invalid`, `password_unacceptable` stand beside their field, everything else above the form. */
  readonly problem?: Problem
  /** People sign in by connections alone. */
  readonly withoutPassword?: true
  /** Other ways to begin. */
  readonly connections?: readonly ConnectionLink[]
  readonly signInUrl: string
}

/** The sign-up page. */
export function signUpPage(site: Site, model: SignUpModel): string {
  const { texts } = site
  const { application, problem } = model
  const wrongField = problem && fieldOfReason[problem.reason]
  const text = problem && problemText(site, problem, texts.problem.signUp)
  const isClosed = problem?.reason === 'signup_closed'
  return layout(site, {
    title: texts.signUp.title,
    failed: problem !== undefined,
    warnsOfAddress: !model.withoutPassword,
    content: html`<div class="card">
<h1>${texts.signUp.title}</h1>
${application && asking(texts.signUp.toContinue, application)}
${text !== undefined && wrongField === undefined && banner('error', text, 'form-problem')}
${!isClosed && !model.withoutPassword && form(site, model, wrongField, text)}
${!isClosed && connectionLinks(site, model.connections, model.withoutPassword)}
<p class="aside">${texts.signUp.signInQuestion} <a href="${href(model.signInUrl)}">${texts.signUp.signInLink}</a></p>
</div>`,
  })
}

function form(
  site: Site,
  model: SignUpModel,
  wrongField: 'email' | 'password' | undefined,
  text: Html | string | undefined,
): Html {
  const { texts } = site
  return html`<form method="post" novalidate>
${hidden({ csrf: model.csrf })}
${field({ id: 'email', name: 'email', type: 'email', label: texts.email, autocomplete: 'username', value: model.email, error: wrongField === 'email' ? text : undefined, focused: wrongField !== 'password' })}
${field({ id: 'password', name: 'password', type: 'password', label: texts.password, autocomplete: 'new-password', minLength: model.passwordMinLength, hint: fill(texts.signUp.passwordHint, { characters: model.passwordMinLength }), error: wrongField === 'password' ? text : undefined, focused: wrongField === 'password' })}
${field({ id: 'name', name: 'name', type: 'text', label: texts.signUp.name, optional: texts.optional, autocomplete: 'name', value: model.name })}
<button class="button main" type="submit">${texts.signUp.submit}</button>
</form>`
}

const fieldOfReason: Readonly<Partial<Record<Reason, 'email' | 'password'>>> = {
  email_taken: 'email',
  email_invalid: 'email',
  password_unacceptable: 'password',
}
