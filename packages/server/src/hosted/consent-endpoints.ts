import { type ConsentDecision, isVouchedFor } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { type Admitted, admit, isAdmitted } from '../endpoints/authorize/admit.ts'
import { redirectError } from '../endpoints/authorize/authorization-answer.ts'
import { giveCode } from '../endpoints/authorize/give-code.ts'
import { pathOf } from '../endpoints/authorize/reauthentication.ts'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm } from '../http/read-form.ts'
import { consentPage } from '../pages/consent-page.ts'
import { describeScopes } from '../pages/describe-scopes.ts'
import { askingApplication } from './asking-application.ts'
import { afterForm, isLeftForByPage } from './go-on.ts'
import type { HostedServices } from './hosted-services.ts'
import { page, pageOfRefusal } from './page-answers.ts'

const triesAtMost = 10

/** `GET /consent`, with the parameters of the authorization request: who asks, for what, and until when. */
export function showConsent(services: HostedServices): Endpoint {
  return async http => {
    const admitted = await admit(services, http)
    if (!isAdmitted(admitted)) return admitted
    const { decision, address } = admitted
    return decision.asks ? consentAnswer(services, http, admitted, decision) : seeOther(pathOf('/authorize', address))
  }
}

/** `POST /consent`: yes gives the code, in one commit with the grant; no is told to the client (RFC 6749 §4.1.2.1). */
export function submitConsent(services: HostedServices): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const csrf = form.get('csrf')
    if (csrf === undefined || !services.cookies.formIsOurs(http, csrf)) {
      return pageOfRefusal(services, refuse('csrf_refused'))
    }
    const said = form.get('decision')
    if (said !== 'allow' && said !== 'deny') return pageOfRefusal(services, refuse('parameter_invalid'))
    for (let tries = 0; tries < triesAtMost; tries++) {
      const admitted = await admit(services, http)
      if (!isAdmitted(admitted)) return admitted
      // Somebody else has signed in since the page was shown: it was not they who were asked.
      if (form.get('account') !== admitted.login.user.id) {
        return seeOther(pathOf('/consent', admitted.address))
      }
      const { request } = admitted
      if (said === 'deny')
        return afterForm(services, request, redirectError(services, request, refuse('access_denied')))
      // The application has changed what it is or asks for since: yes was said to something else.
      if (!services.cookies.sealIsOf(csrf, shownOf(admitted), form.get('shown'))) {
        return seeOther(pathOf('/consent', admitted.address))
      }
      const answer = await giveCode(services, http, admitted, { allowed: true })
      if (answer !== 'conflict') return afterForm(services, request, answer)
    }
    throw new StoreUnavailable('The same rows are being changed by others all the time.')
  }
}

function consentAnswer(
  services: HostedServices,
  http: HttpRequest,
  admitted: Admitted,
  { added, known }: Extract<ConsentDecision, { asks: true }>,
): HttpAnswer {
  const { request, address, login } = admitted
  const { client, redirectUri, scope } = request
  const { user } = login
  const { csrf, setCookie } = services.cookies.form(http)
  const describe = (scopes: readonly string[]) => describeScopes(services.site, services.config, scopes)
  const body = consentPage(services.site, {
    csrf,
    shown: services.cookies.seal(csrf, shownOf(admitted)),
    account: { id: user.id, email: user.email ?? user.id, ...(user.name !== null && { name: user.name }) },
    application: askingApplication(client, redirectUri),
    isVerified: isVouchedFor(client),
    about: client.description,
    added: describe(added.scopes),
    known: describe(known.scopes),
    audiences: added.audiences,
    isOffline: scope.split(' ').includes('offline_access'),
    loginSeconds: client.lifetimes.absoluteSeconds,
    otherAccountUrl: `/sign-in?return_to=${encodeURIComponent(pathOf('/authorize', address))}`,
  })
  const policy = isLeftForByPage(client, redirectUri) ? {} : { redirectUri }
  return page(200, body, { leadsToApplication: true, ...policy, setCookie })
}

/**
 * All that a yes is said to. What is new of it and what is known depends on what the user has allowed elsewhere meanwhile, and is left out: both are on the page.
 */
function shownOf({ request, asked, login }: Admitted): string {
  const { client, redirectUri } = request
  const { id, name, description } = client
  const application = { id, name, description, isVerified: isVouchedFor(client), redirectUri }
  return JSON.stringify({ application, asked, account: login.user.id, seconds: client.lifetimes.absoluteSeconds })
}
