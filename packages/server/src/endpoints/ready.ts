import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'
import { standingAnswer, whatIsAway } from './what-is-away.ts'

/**
 * `GET /ready`: for a load balancer. 200 while this node should get requests: the store answers, a key can sign, and it is not about to
 * stop. Otherwise 503, which says why.
 */
export function ready(services: Services): Endpoint {
  return async () => standingAnswer('ready', services.drain.hasBegun() ? ['stopping'] : await whatIsAway(services))
}
