import { hidden } from './form.ts'
import { fixedScript, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import { foreignName, layout } from './layout.ts'
import type { Site } from './site.ts'

/** An answer to an application, by a form that the browser sends (OAuth 2.0 Form Post Response Mode). */
export interface FormPostModel {
  /** The application's registered address: http(s) only. */
  readonly url: string
  readonly applicationName: string
  readonly parameters: Readonly<Record<string, string>>
}

const sending = fixedScript('document.forms[0].submit()')

/** What the page's policy must allow. */
export const formPostScriptHash: string = sending.hash

/** The page sends itself; where no script runs, a button does. */
export function formPostPage(site: Site, model: FormPostModel): string {
  const { formPost } = site.texts
  return layout(site, {
    title: formPost.title,
    content: html`<div class="card">
<h1>${formPost.title}</h1>
<p class="lead">${fill(formPost.advice, { application: foreignName(model.applicationName) })}</p>
<form method="post" action="${href(model.url)}">
${hidden(model.parameters)}
<button class="button main" type="submit">${formPost.submit}</button>
</form>
</div>
${sending.script}`,
  })
}
