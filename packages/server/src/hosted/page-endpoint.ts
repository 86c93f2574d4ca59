import { refusalOfFailure } from '../http/failure.ts'
import type { Endpoint } from '../http/message.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal } from './page-answers.ts'
import { inLanguageOf } from './page-language.ts'

/** An endpoint for people: in their language, and what breaks in it is told on a page. */
export function pageEndpoint(services: HostedServices, make: (services: HostedServices) => Endpoint): Endpoint {
  return async request => {
    let inTheirs = services
    try {
      inTheirs = await inLanguageOf(services, request)
      return await make(inTheirs)(request)
    } catch (error) {
      return pageOfRefusal(inTheirs, refusalOfFailure(error, services.log))
    }
  }
}
