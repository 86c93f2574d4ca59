import { hashCode, openPushedRequest, type PushedRequest, requestUriPrefix } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Parameters } from '../../http/read-form.ts'
import type { Services } from '../../services.ts'
import { decideAndCommit } from '../../sign-in/decide-and-commit.ts'

/** An authorization request as it reached us: in the address, or pushed before. */
export interface AuthorizationParameters {
  readonly parameters: Parameters
  /** What leads back here: the same parameters, or `client_id` and `request_uri`. */
  readonly address: Parameters
  /** To be used up in the commit that answers the request. */
  readonly pushed: PushedRequest | null
}

/**
 * The parameters of a request, or what was pushed under `request_uri`, and then nothing else counts but this and `client_id` (RFC 9126 §4, RFC 9101 §5). Refuses
 * with `request_uri_invalid` what is unknown, expired, used or another client's. A reference to
 * somewhere else is for `judgeRequest` to refuse, if it says whom to tell.
 */
export async function resolvePushedRequest(
  services: Services,
  asked: Parameters,
): Promise<AuthorizationParameters | Refusal> {
  const requestUri = asked.get('request_uri')
  if (requestUri === undefined) return { parameters: asked, address: asked, pushed: null }
  if (!requestUri.startsWith(requestUriPrefix)) {
    const canBeTold = asked.has('redirect_uri')
    return canBeTold ? { parameters: asked, address: asked, pushed: null } : refuse('request_uri_invalid')
  }
  const clientId = asked.get('client_id')
  const hash = hashCode(requestUri.slice(requestUriPrefix.length))
  const opened = await decideAndCommit(services, async () => {
    const found = await services.store.loadShortLived('pushedRequest', hash)
    const outcome = found ? openPushedRequest(found.row, { clientId, now: found.now }) : refuse('request_uri_invalid')
    return isRefusal(outcome) ? outcome : { result: outcome, change: outcome.change }
  })
  if (isRefusal(opened)) return opened
  const address = new Map([
    ['client_id', opened.row.clientId],
    ['request_uri', requestUri],
  ])
  // The version that was written is one higher; what uses the request up must name that.
  const pushed = opened.change === undefined ? opened.row : { ...opened.row, version: opened.row.version + 1 }
  return { parameters: parametersOf(pushed), address, pushed }
}

function parametersOf({ parameters, jkt }: PushedRequest): Parameters {
  const all = new Map(Object.entries(parameters))
  return jkt === null ? all : all.set('dpop_jkt', jkt)
}
