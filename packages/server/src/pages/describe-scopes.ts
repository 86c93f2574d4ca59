import { type Html, html } from './html.ts'
import type { Site } from './site.ts'

/** One thing that an application may do. */
export interface DescribedScope {
  readonly scope: string
  /** In words; absent for what nobody has described: it is shown as it is. */
  readonly text?: string
}

/** The operator's words come first: those of the language, then those of no language. */
export function describeScopes(
  { language, texts }: Site,
  { scopeDescriptions = {} }: { readonly scopeDescriptions?: Readonly<Record<string, string>> },
  scopes: readonly string[],
): readonly DescribedScope[] {
  const find = (words: Readonly<Record<string, string>>, scope: string): string | undefined =>
    Object.hasOwn(words, scope) ? words[scope] : undefined
  return scopes.map(scope => {
    const text = find(language.scopes, scope) ?? find(scopeDescriptions, scope) ?? find(texts.scopes, scope)
    return text === undefined ? { scope } : { scope, text }
  })
}

/** In words, or as it is where nobody has found any. `first` is what comes with all of it. */
export function scopeList(scopes: readonly DescribedScope[], first?: string): Html {
  return html`<ul class="scopes" role="list">
${first !== undefined && html`<li>${first}</li>`}
${scopes.map(({ scope, text }) => html`<li>${text === undefined ? html`<code><bdi>${scope}</bdi></code>` : html`<bdi>${text}</bdi>`}</li>`)}
</ul>`
}
