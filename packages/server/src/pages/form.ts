import { attributes, type Html, html } from './html.ts'

/** One labelled input. */
export interface Field {
  readonly id: string
  readonly name: string
  readonly type: 'email' | 'password' | 'text'
  readonly label: string
  /** Says "optional" beside the label; fields without it are required. */
  readonly optional?: string
  /** WCAG 2.2, 1.3.5, and what password managers go by. */
  readonly autocomplete: 'username' | 'current-password' | 'new-password' | 'name' | 'off'
  /** `code`: letters that are copied one by one, written large. */
  readonly look?: 'code'
  /** Filled in again after an error. Never for passwords. */
  readonly value?: string | undefined
  readonly hint?: Html | string
  readonly error?: Html | string | undefined
  /** Id of a message elsewhere that is about this field too. */
  readonly errorId?: string | undefined
  readonly minLength?: number
  readonly focused?: boolean
}

/**
 * Label, hint, input and error, bound to each other by ids. Its form is `novalidate`: the bubbles of browsers are in their language and not the page's, one at a time, and
 * gone after seconds. The server says beside the field what is wrong with it; `required` and `minlength` tell screen readers and password managers.
 */
export function field(model: Field): Html {
  const { id, error, hint } = model
  const described = [model.errorId, error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ')
  const input = attributes({
    type: model.type,
    id,
    name: model.name,
    class: model.look,
    value: model.type === 'password' ? undefined : model.value,
    autocomplete: model.autocomplete,
    dir: model.type === 'text' && model.look === undefined ? 'auto' : 'ltr',
    required: model.optional === undefined,
    minlength: model.minLength,
    autocapitalize: model.look === 'code' ? 'characters' : model.autocomplete === 'name' ? 'words' : 'none',
    spellcheck: 'false',
    autofocus: model.focused ?? false,
    'aria-invalid': error !== undefined || model.errorId !== undefined ? 'true' : undefined,
    'aria-describedby': described === '' ? undefined : described,
  })
  return html`<div class="field">
<label for="${id}">${model.label}${model.optional && html` <span class="optional">(${model.optional})</span>`}</label>
<input ${input}>
${error && html`<p class="field-error" id="${`${id}-error`}">${error}</p>`}
${hint && html`<p class="hint" id="${`${id}-hint`}">${hint}</p>`}
</div>`
}

/** Hidden inputs; `csrf` is in every form. */
export function hidden(values: Readonly<Record<string, string>>): Html {
  return html`${Object.entries(values).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}`
}
