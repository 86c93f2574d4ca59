import { json } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'

/** `GET /health`: 200 while the store answers and the keys are there; otherwise the failure's 503. */
export function health(services: Services): Endpoint {
  return async () => {
    await services.store.loadIssuer()
    services.keys.mint()
    return json(200, { status: 'ok' })
  }
}
