import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'
import { standingAnswer, whatIsAway } from './what-is-away.ts'

/** `GET /health`: 200 while the store answers and the keys are there; otherwise 503, which says what is away. */
export function health(services: Services): Endpoint {
  return async () => standingAnswer('ok', await whatIsAway(services))
}
