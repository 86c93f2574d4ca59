import { isOneLogin, isVouchedFor, type SessionOnlySnapshot } from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import { signOutOfApplication, withdraw } from '../grants/end-application.ts'
import { type Application, listApplications } from '../grants/list-applications.ts'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import {
  type ApplicationRow,
  type ApplicationsCommand,
  type ApplicationsModel,
  applicationsPage,
} from '../pages/applications-page.ts'
import { describeScopes } from '../pages/describe-scopes.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { signOut } from './account-endpoints.ts'
import { askingApplication } from './asking-application.ts'
import type { HostedServices } from './hosted-services.ts'
import { problemPage } from './page-answers.ts'
import { type PageCommand, signInFor, submitPage } from './page-commands.ts'

export const applicationsPath = '/account/applications'
const path = applicationsPath
const toSignIn = signInFor(path)

/** `GET /account/applications`: what may act for the user, and on which devices. */
export function showApplications(services: HostedServices): Endpoint {
  return async http => {
    const login = await services.cookies.session(http)
    if (login === undefined) return seeOther(toSignIn)
    const query = readParameters(http.query)
    const done = isRefusal(query) ? undefined : query.get('done')
    return applicationsAnswer(services, http, login, isDone(done) ? { done } : {})
  }
}

type Done = NonNullable<ApplicationsModel['done']>

const actorOf = (http: HttpRequest) => ({ device: deviceOf(http), by: 'user' as const })

const commands: Readonly<Record<ApplicationsCommand, PageCommand>> = {
  sign_out: signOut,
  end_login: async (services, http, { user }, form) => {
    const familyId = form.get('family_id') ?? ''
    return back('end_login', await signOutOfApplication(services, user.id, { familyId }, actorOf(http)))
  },
  end_application: async (services, http, { user }, form) => {
    const clientId = form.get('client_id') ?? ''
    return back('end_application', await signOutOfApplication(services, user.id, { clientId }, actorOf(http)))
  },
  withdraw: async (services, http, { user }, form) =>
    back('withdraw', await withdraw(services, user.id, form.get('client_id') ?? '', actorOf(http))),
}

/** `POST /account/applications`: one command. */
export function submitApplications(services: HostedServices): Endpoint {
  return submitPage(services, { path, commands, show: applicationsAnswer })
}

function back(done: Done, outcome: object | Refusal): HttpAnswer | Refusal {
  return isRefusal(outcome) ? outcome : seeOther(`${path}?done=${done}`)
}

function isDone(word: string | undefined): word is Done {
  return word === 'end_login' || word === 'end_application' || word === 'withdraw'
}

async function applicationsAnswer(
  services: HostedServices,
  http: HttpRequest,
  { user, session, now }: SessionOnlySnapshot,
  more: { done?: Done; problem?: Refusal },
): Promise<HttpAnswer> {
  const { csrf, setCookie } = services.cookies.form(http)
  const applications = await listApplications(services, user.id)
  const body = applicationsPage(services.site, {
    csrf,
    now,
    user: { email: user.email ?? user.id, ...(user.name !== null && { name: user.name }) },
    applications: applications.map(application => rowOf(services, application, session.id)),
    accountUrl: '/account',
    ...more,
  })
  return problemPage(more.problem, body, { setCookie })
}

function rowOf(services: HostedServices, application: Application, hereId: string): ApplicationRow {
  const { clientId, client, grant, logins, lastUsedAt } = application
  const [redirectUri] = client?.redirectUris ?? []
  const scopes = grant?.scopes ?? [...new Set(logins.flatMap(({ family }) => family.scope.split(' ').filter(Boolean)))]
  return {
    clientId,
    name: client?.name ?? clientId,
    ...(client && redirectUri !== undefined && { host: askingApplication(client, redirectUri).host }),
    isVerified: client !== undefined && isVouchedFor(client),
    scopes: describeScopes(services.site, services.config, scopes),
    ...(grant && { allowedAt: grant.allowedAt }),
    lastUsedAt,
    logins: logins.map(({ session, family }) => ({
      familyId: family.id,
      device: session.device.label,
      createdAt: family.createdAt,
      lastUsedAt: family.rotatedAt,
      isHere: session.id === hereId,
      isOffline: isOneLogin(session, family),
    })),
  }
}
