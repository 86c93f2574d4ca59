import { refuse } from '@countersign/protocol'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'

/**
 * `GET /ready`: for a load balancer. 200 while this node should get requests: the store answers, a key can sign, and it is not about to
 * stop. Otherwise 503.
 */
export function ready(services: Services): Endpoint {
  return async () => {
    if (services.drain.hasBegun()) return refusalAnswer(refuse('unavailable', { detail: 'The node is about to stop.' }))
    await services.store.loadIssuer()
    services.keys.mint()
    return json(200, { status: 'ready' })
  }
}
