import { hidden } from './form.ts'
import { type Html, html } from './html.ts'

/** A form of a page of the account: what is in it, and the command that its button gives. It posts to the page's own address. */
export function commandForm<Command extends string>(
  { csrf }: { readonly csrf: string },
  command: Command,
  content: Html,
  more: Readonly<Record<string, string>> = {},
): Html {
  return html`<form class="${command.replace('_', '-')}" method="post" novalidate>${hidden({ csrf, command, ...more })}${content}</form>`
}
