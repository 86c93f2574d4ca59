import { refusalOfFailure } from '../http/failure.ts'
import type { Endpoint } from '../http/message.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal } from './page-answers.ts'

/** An endpoint for people: what breaks in it is told on a page. */
export function pageEndpoint(services: HostedServices, endpoint: Endpoint): Endpoint {
  return async request => {
    try {
      return await endpoint(request)
    } catch (error) {
      return pageOfRefusal(services, refusalOfFailure(error, services.log))
    }
  }
}
