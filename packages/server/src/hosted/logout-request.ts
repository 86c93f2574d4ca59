import { type Client, openIdToken, type SessionOnlySnapshot, subjectOf } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Parameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'

/** A request to be signed out (OpenID Connect RP-Initiated Logout §2), read and judged. `ui_locales` is the page's (`page-language.ts`); `logout_hint` is taken and changes nothing. */
export interface LogoutRequest {
  /** Who asks, if that is known. */
  readonly client: Client | undefined
  /** Where the browser goes afterwards: an address that is registered for this client, with `state`. */
  readonly returnUri: string | undefined
  /** `sub` of an ID token that was made here for the client, however long ago; who has it need not ask the user again. */
  readonly hintedSub: string | undefined
}

const stateCharactersAtMost = 2_048

/**
 * An ID token that is not ours is no hint: the user is asked. What contradicts itself, and an address that is not registered, is refused: nothing ends, and
 * nobody is sent anywhere.
 */
export async function readLogoutRequest(services: Services, parameters: Parameters): Promise<LogoutRequest | Refusal> {
  const hint = openIdToken(parameters.get('id_token_hint') ?? '', services.keys.everPublished, services.config.issuer)
  const clientId = parameters.get('client_id')
  if (hint !== undefined && clientId !== undefined && !hint.audiences.includes(clientId)) {
    return refuse('parameter_invalid', {
      detail: "The 'client_id' is not the one that the 'id_token_hint' was made for.",
    })
  }
  const named = clientId ?? (hint?.audiences.length === 1 ? hint.audiences[0] : undefined)
  const client = named === undefined ? undefined : (await services.store.loadClient(named))?.client
  const isKnown = client !== undefined && !client.disabled
  if (clientId !== undefined && !isKnown) return refuse('client_authentication_failed')
  const uri = parameters.get('post_logout_redirect_uri')
  const state = parameters.get('state')
  if ((state?.length ?? 0) > stateCharactersAtMost) return refuse('parameter_invalid')
  // Without a client nothing is registered: the user may sign out all the same, and stays here.
  if (!isKnown) return { client: undefined, returnUri: undefined, hintedSub: undefined }
  if (uri !== undefined && !client.postLogoutRedirectUris.includes(uri)) return refuse('redirect_uri_mismatch')
  const returnUri = uri === undefined ? undefined : withState(uri, state)
  return { client, returnUri, hintedSub: hint?.sub }
}

function withState(uri: string, state: string | undefined): string {
  // Written anew: what was registered may hold letters that no header can.
  const url = new URL(uri)
  if (state !== undefined) url.searchParams.set('state', state)
  return url.href
}

/** True if the client has shown an ID token of this very user. */
export function isHintedAt(
  services: Services,
  { client, hintedSub }: LogoutRequest,
  login: SessionOnlySnapshot,
): boolean {
  return client !== undefined && hintedSub === subjectOf(client, login.user, services.pairwiseKey)
}
