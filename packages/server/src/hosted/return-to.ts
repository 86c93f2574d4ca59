import { emailKey, readUserCode, redirectUriIsRegistered, showUserCode } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { resolvePushedRequest } from '../endpoints/authorize/pushed-requests.ts'
import { asksWhenSignedIn } from '../endpoints/authorize/read-authentication.ts'
import type { HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import type { AskingApplication } from '../pages/sign-in-page.ts'
import { askingApplication } from './asking-application.ts'
import { isLeftForByPage } from './go-on.ts'
import type { HostedServices } from './hosted-services.ts'

/** Where a form leads when it is done: a path of ours, and for whom. */
export interface ReturnTo {
  readonly path: string
  readonly application?: AskingApplication
  /** To let a device in. */
  readonly isForDevice?: true
  readonly redirectUri?: string
  /** No form leads there (`isLeftForByPage`). */
  readonly isLeftForByPage?: true
  /** The application wants to know that they have signed in just now, or when. */
  readonly asksWhen?: true
  /** Who is to sign in, as the application has it (`login_hint`, OpenID Connect Core §3.1.2.1). */
  readonly loginHint?: string
}

const pagesOfOurs: ReadonlySet<string> = new Set(['/account/applications', '/account/connections', '/verify-address'])

/**
 * The `return_to` of the query. Only `/authorize?…`, `/device`, `/verify-address`, `/account` and what is below it are places to return to; everything else, another origin
 * above all, is the account page.
 */
export async function readReturnTo(services: HostedServices, http: HttpRequest): Promise<ReturnTo | Refusal> {
  const query = readParameters(http.query)
  if (isRefusal(query)) return query
  const path = query.get('return_to')
  const device = /^\/device(?:\?user_code=([^&]*))?$/.exec(path ?? '')
  if (device !== null) return { path: devicePath(device[1]), isForDevice: true }
  if (path !== undefined && pagesOfOurs.has(path)) return { path }
  if (path === undefined || !path.startsWith('/authorize?')) return { path: '/account' }
  const asked = readParameters(path.slice('/authorize?'.length))
  if (isRefusal(asked)) return refuse('parameter_invalid')
  // Written anew: whatever stood there, this is a path in ASCII on one line.
  const own = `/authorize?${new URLSearchParams([...asked])}`
  const resolved = await resolvePushedRequest(services, asked)
  // What is wrong with it is told there.
  if (isRefusal(resolved)) return { path: own }
  const request = resolved.parameters
  const redirectUri = request.get('redirect_uri') ?? ''
  const client = (await services.store.loadClient(request.get('client_id') ?? ''))?.client
  // Only what is registered is named on the page: a link must not be able to put words there.
  if (client === undefined || !redirectUriIsRegistered(redirectUri, client.redirectUris)) return { path: own }
  const hint = request.get('login_hint')
  return {
    path: own,
    redirectUri,
    ...(isLeftForByPage(client, redirectUri) && { isLeftForByPage: true }),
    application: askingApplication(client, redirectUri),
    ...(asksWhenSignedIn(client, request) && { asksWhen: true }),
    ...(hint !== undefined && emailKey(hint) !== null && { loginHint: hint }),
  }
}

function devicePath(typed: string | undefined): string {
  const code = readUserCode(typed ?? '')
  return code === undefined ? '/device' : `/device?user_code=${showUserCode(code)}`
}
