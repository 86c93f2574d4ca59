import { hidden } from './form.ts'
import { href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { foreignName, layout } from './layout.ts'
import type { Site } from './site.ts'

/** The form has the field `csrf`, and posts to the page's own URL, query included. */
export interface SignOutModel {
  readonly csrf: string
  /** Who is signed in. */
  readonly user: { readonly email: string; readonly name?: string }
  /** The name of the application that leads here, if that is known. */
  readonly application?: string
  /** For those who did not want this. */
  readonly accountUrl: string
}

/** Asks whether the user wants to be signed out: a link alone must not do it. */
export function signOutPage(site: Site, model: SignOutModel): string {
  const { signOut } = site.texts
  const { application, user } = model
  const who = foreignName(user.name === undefined ? user.email : `${user.name} (${user.email})`)
  return layout(site, {
    title: signOut.title,
    content: html`<div class="card">
<h1>${signOut.title}</h1>
<p class="lead">${application === undefined ? fill(signOut.question, { user: who }) : fill(signOut.askedBy, { application: foreignName(application), user: who })}</p>
<p>${signOut.hint}</p>
<form method="post">
${hidden({ csrf: model.csrf })}
<button class="button main" type="submit">${signOut.submit}</button>
</form>
<p class="aside"><a href="${href(model.accountUrl)}">${signOut.stay}</a></p>
</div>`,
  })
}
