import { type Html, href, html } from './html.ts'
import { fill } from './language/sentence.ts'
import type { Site } from './site.ts'

/** Another way to sign in. */
export interface ConnectionLink {
  /** As the operator calls it: "Google". */
  readonly title: string
  readonly url: string
}

/**
 * Links, not forms: a form is held to the page's policy wherever it leads on, and a provider leads on to others.
 *
 * @param isAlone there is no form before them.
 */
export function connectionLinks(site: Site, links: readonly ConnectionLink[] = [], isAlone = false): Html | false {
  if (links.length === 0) return false
  const { connections } = site.texts
  return html`<div class="connections">
${!isAlone && html`<p class="or"><span>${connections.or}</span></p>`}
<ul role="list">${links.map(({ title, url }) => html`<li><a class="button" href="${href(url)}"><span>${fill(connections.continueWith, { title })}</span></a></li>`)}</ul>
</div>`
}
