import type { SessionOnlySnapshot } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { type Parameters, readPageForm } from '../http/read-form.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal } from './page-answers.ts'

/** What a button of a page does for the user who is signed in: an answer, or why not. */
export type PageCommand = (
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  form: Parameters,
) => Promise<HttpAnswer | Refusal>

/** A page of the user's own account, whose forms post `csrf` and `command` to its own address. */
export interface CommandedPage {
  readonly path: string
  readonly commands: Readonly<Record<string, PageCommand>>
  /** The page, with what has kept a command from being done. */
  readonly show: (
    services: HostedServices,
    http: HttpRequest,
    login: SessionOnlySnapshot,
    more: { readonly problem: Refusal },
  ) => Promise<HttpAnswer>
}

/** The `POST` of such a page: one command; afterwards the page is shown by a GET of its own, so that reloading repeats nothing. */
export function submitPage(services: HostedServices, { path, commands, show }: CommandedPage): Endpoint {
  return async http => {
    const login = await services.cookies.session(http)
    if (login === undefined) return seeOther(signInFor(path))
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return pageOfRefusal(services, refuse('csrf_refused'))
    const name = form.get('command') ?? ''
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command === undefined) return pageOfRefusal(services, refuse('parameter_invalid'))
    const outcome = await command(services, http, login, form)
    return isRefusal(outcome) ? show(services, http, login, { problem: outcome }) : outcome
  }
}

/** Where to sign in, so as to come to the page then. */
export function signInFor(path: string): string {
  return `/sign-in?return_to=${path}`
}
