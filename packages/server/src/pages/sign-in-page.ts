import type { Reason, Refusal } from '@countersign/protocol'
import { passwordMaxLength, passwordMinLength, passwordProblemOf } from '../passwords/password-policy.ts'
import { type ConnectionLink, connectionLinks } from './connection-links.ts'
import { field, hidden } from './form.ts'
import { type Html, href, html } from './html.ts'
import { fill, type Sentence } from './language/sentence.ts'
import { banner, foreignName, layout } from './layout.ts'
import { describeWait } from './relative-time.ts'
import type { Site } from './site.ts'

/** The application on whose behalf somebody signs in. */
export interface AskingApplication {
  readonly name: string
  /** Where the browser goes afterwards: host of the redirect URI, or its scheme for a native app. */
  readonly host: string
}

/** What a page has to say about a form that was not accepted. */
export type Problem = Pick<Refusal, 'reason' | 'retryAfterSeconds' | 'detail'>

/** The form, if there is one, has the fields `email`, `password` and `csrf`, and posts to the page's own URL, query included. */
export interface SignInModel {
  readonly csrf: string
  /** Absent when the person came to see their own account. */
  readonly application?: AskingApplication
  /** Present when the person is on the way to let a device in. */
  readonly isForDevice?: true
  /** The address typed before. */
  readonly email?: string
  /** `login_failed`, `too_many_attempts`, `csrf_refused`; `session_expired` and its like explain why one must sign in again. */
  readonly problem?: Problem
  /** Fields that cannot be right as they were filled in, with `parameter_missing`: each says so itself. */
  readonly unfinished?: readonly ('email' | 'password')[]
  /** People sign in by connections alone. */
  readonly withoutPassword?: true
  /** Other ways to sign in. */
  readonly connections?: readonly ConnectionLink[]
  /** Present where a new password can be had by mail. */
  readonly forgot?: { readonly url: string; readonly label: string }
  /** Present if sign-up is open; with the query that leads back. */
  readonly signUpUrl?: string
}

/** The sign-in page. */
export function signInPage(site: Site, model: SignInModel): string {
  const { texts } = site
  const { application, problem } = model
  const why = problem && notices.has(problem.reason) ? 'notice' : 'error'
  return layout(site, {
    title: texts.signIn.title,
    failed: problem !== undefined && why === 'error',
    warnsOfAddress: !model.withoutPassword,
    content: html`<div class="card">
<h1>${texts.signIn.title}</h1>
${application ? asking(texts.signIn.toContinue, application) : html`<p class="lead">${model.isForDevice ? texts.signIn.toDevice : texts.signIn.toAccount}</p>`}
${problem && !model.unfinished?.length && banner(why, problemText(site, problem, wordsOf(site, model)), 'form-problem')}
${!model.withoutPassword && form(site, model)}
${model.forgot && html`<p class="aside"><a href="${href(model.forgot.url)}">${model.forgot.label}</a></p>`}
${connectionLinks(site, model.connections, model.withoutPassword)}
${model.signUpUrl !== undefined && html`<p class="aside">${texts.signIn.signUpQuestion} <a href="${href(model.signUpUrl)}">${texts.signIn.signUpLink}</a></p>`}
</div>`,
  })
}

function wordsOf(
  { texts: { problem } }: Site,
  { withoutPassword }: SignInModel,
): Readonly<Partial<Record<Reason, string>>> {
  return withoutPassword ? { ...problem.signIn, ...problem.withoutPassword } : problem.signIn
}

function form({ texts }: Site, { csrf, email, problem, unfinished = [] }: SignInModel): Html {
  const wrong = problem?.reason === 'login_failed' ? 'form-problem' : undefined
  const wrongEmail = unfinished.includes('email') ? texts.problem.signUp.email_invalid : undefined
  const wrongPassword = unfinished.includes('password') ? texts.problem.password.missing : undefined
  const knowsEmail = email !== undefined && email !== '' && wrongEmail === undefined
  return html`<form method="post" novalidate>
${hidden({ csrf })}
${field({ id: 'email', name: 'email', type: 'email', label: texts.email, autocomplete: 'username', value: email, error: wrongEmail, errorId: wrong, focused: !knowsEmail })}
${field({ id: 'password', name: 'password', type: 'password', label: texts.password, autocomplete: 'current-password', error: wrongPassword, errorId: wrong, focused: knowsEmail })}
<button class="button main" type="submit">${texts.signIn.submit}</button>
</form>`
}

/** Who asks: name and host, so that a look-alike name does not suffice. */
export function asking(sentence: Sentence<'application'>, application: AskingApplication): Html {
  return html`<p class="lead">${fill(sentence, { application: foreignName(application.name) })}</p>
<p class="asking"><span class="host"><bdi>${application.host}</bdi></span></p>`
}

/** The sentence for a problem, in the words of one page. */
export function problemText(
  site: Site,
  problem: Problem,
  words: Readonly<Partial<Record<Reason, string>>>,
): Html | string {
  const { tooManyAttempts, password, otherwise } = site.texts.problem
  if (problem.reason === 'too_many_attempts')
    return fill(tooManyAttempts, { wait: html`${describeWait(problem.retryAfterSeconds ?? 60, site.language)}` })
  const wrong = problem.reason === 'password_unacceptable' ? passwordProblemOf(problem.detail) : undefined
  if (wrong === 'tooShort') return fill(password.tooShort, { characters: passwordMinLength })
  if (wrong === 'tooLong') return fill(password.tooLong, { characters: passwordMaxLength })
  if (wrong !== undefined) return password[wrong]
  return words[problem.reason] ?? otherwise
}

/** Nobody did anything wrong: these only say why the page is here. */
const notices: ReadonlySet<Reason> = new Set<Reason>([
  'session_expired',
  'session_idle_expired',
  'session_ended',
  'authorization_revoked',
  'login_required',
  'connection_denied',
])
