import { tellRefusedClients } from './clients/tell-refused-clients.ts'
import {
  addClient,
  addSecret,
  listClients,
  removeClient,
  retireSecret,
  revokeClient,
  setClient,
  showClient,
} from './endpoints/admin-clients.ts'
import { authorize } from './endpoints/authorize/authorize.ts'
import { takeNotice } from './endpoints/connection-notices.ts'
import { authorizeDevice } from './endpoints/device-authorization.ts'
import { discovery, jwks } from './endpoints/discovery.ts'
import { endGrant, endTrustedGrant, listGrants, listTrustedGrants } from './endpoints/grants.ts'
import { health } from './endpoints/health.ts'
import { introspect } from './endpoints/introspect.ts'
import { me } from './endpoints/me.ts'
import { password } from './endpoints/password.ts'
import { getProviderToken } from './endpoints/provider-token.ts'
import { pushAuthorizationRequest } from './endpoints/pushed-authorization.ts'
import { ready } from './endpoints/ready.ts'
import { register } from './endpoints/register.ts'
import { changeRegistration, deleteRegistration, readRegistration } from './endpoints/registration.ts'
import { revocations } from './endpoints/revocations.ts'
import { revoke } from './endpoints/revoke.ts'
import { logInByConnection } from './endpoints/session-connection.ts'
import { endOneSession, endSessions, listSessions, logIn } from './endpoints/sessions.ts'
import { sharedSecrets } from './endpoints/shared-secrets.ts'
import { token } from './endpoints/token.ts'
import { listTrustedInvitations, makeInvitation, withdrawInvitation } from './endpoints/trusted-invitations.ts'
import { setRights, showRights } from './endpoints/trusted-rights.ts'
import {
  endTrustedSession,
  endTrustedSessions,
  listTrustedSessions,
  openTrustedSession,
} from './endpoints/trusted-sessions.ts'
import { userinfo } from './endpoints/userinfo.ts'
import { users } from './endpoints/users.ts'
import { showAccount, submitAccount } from './hosted/account-endpoints.ts'
import { showApplications, submitApplications } from './hosted/applications-endpoints.ts'
import { finishConnection, repostConnection } from './hosted/connection-callback-endpoints.ts'
import { startConnection } from './hosted/connection-start-endpoint.ts'
import { showConsent, submitConsent } from './hosted/consent-endpoints.ts'
import { showDevice, submitDevice } from './hosted/device-endpoints.ts'
import { forgotPath, showForgot, submitForgot } from './hosted/forgot-endpoints.ts'
import type { HostedServices } from './hosted/hosted-services.ts'
import { showInvitation, submitInvitation } from './hosted/invitation-endpoints.ts'
import { chooseOwnLanguage, languagePath } from './hosted/language-endpoint.ts'
import { showLogout, submitLogout } from './hosted/logout-endpoints.ts'
import { showNotMe, submitNotMe } from './hosted/not-me-endpoints.ts'
import { pageEndpoint } from './hosted/page-endpoint.ts'
import { showReset, submitReset } from './hosted/reset-endpoints.ts'
import { showSignIn, showSignUp, submitSignIn, submitSignUp } from './hosted/sign-in-endpoints.ts'
import { showVerify, submitVerify } from './hosted/verify-endpoints.ts'
import { showWaysIn, submitWaysIn } from './hosted/ways-in-endpoints.ts'
import { seeOther } from './http/answers.ts'
import type { Endpoint, HttpAnswer } from './http/message.ts'
import type { Route } from './http/route.ts'
import { invitationPath } from './invitations/invitation-link.ts'
import { linkPaths } from './mail/links.ts'
import type { Mailer } from './mail/mailer.ts'
import { assetHeaders } from './pages/content-security-policy.ts'
import type { Asset } from './pages/site.ts'
import { usesPasswords } from './passwords/use-of-passwords.ts'

/** Everything that the server answers, in one list. */
export function routes(services: HostedServices): readonly Route[] {
  return [
    { path: '/.well-known/openid-configuration', get: discovery(services), cors: 'anyone' },
    { path: '/.well-known/oauth-authorization-server', get: discovery(services), cors: 'anyone' },
    { path: '/jwks', get: jwks(services), cors: 'anyone' },
    { path: '/health', get: health(services) },
    { path: '/ready', get: ready(services) },

    forClients(services, { path: '/token', post: token(services), cors: 'clients' }),
    forClients(services, { path: '/par', post: pushAuthorizationRequest(services), cors: 'clients' }),
    forClients(services, { path: '/device_authorization', post: authorizeDevice(services), cors: 'clients' }),
    forClients(services, { path: '/revoke', post: revoke(services), cors: 'clients' }),
    forClients(services, { path: '/introspect', post: introspect(services) }),
    forClients(services, { path: '/revocations', get: revocations(services) }),
    forClients(services, { path: '/secrets', get: sharedSecrets(services) }),

    { path: '/userinfo', get: userinfo(services), post: userinfo(services), cors: 'clients' },

    { path: '/register', post: register(services), cors: 'anyone' },
    {
      path: '/register/:client',
      get: readRegistration(services),
      put: changeRegistration(services),
      delete: deleteRegistration(services),
      cors: 'anyone',
    },

    { path: '/v1/users', post: users(services), cors: 'clients' },
    { path: '/v1/me', get: me(services), cors: 'clients' },
    { path: '/v1/password', post: password(services), cors: 'clients' },
    {
      path: '/v1/sessions',
      get: listSessions(services),
      post: logIn(services),
      delete: endSessions(services),
      cors: 'clients',
    },
    { path: '/v1/sessions/connection', post: logInByConnection(services), cors: 'clients' },
    { path: '/v1/sessions/:id', delete: endOneSession(services), cors: 'clients' },
    { path: '/v1/grants', get: listGrants(services), cors: 'clients' },
    { path: '/v1/grants/:client', delete: endGrant(services), cors: 'clients' },

    ...trustedRoutes(services),
    ...clientRoutes(services),

    ...pageRoutes(services),
    { path: '/', get: () => seeOther('/account') },
    { path: '/favicon.ico', get: () => favicon(services.site.mark) },
    ...services.site.assets.map(({ path, contentType, body }) => ({
      path,
      get: () => ({ status: 200, headers: assetHeaders(contentType), body }),
    })),
  ]
}

/** For people. */
function pageRoutes(services: HostedServices): readonly Route[] {
  const page = (make: (services: HostedServices) => Endpoint): Endpoint => pageEndpoint(services, make)
  return [
    { path: '/authorize', get: page(authorize), post: page(authorize) },
    { path: '/consent', get: page(showConsent), post: page(submitConsent) },
    { path: '/sign-in', get: page(showSignIn), post: page(submitSignIn) },
    { path: '/connections/:connection', get: page(startConnection) },
    { path: '/connections/:connection/notices', post: takeNotice(services) },
    {
      path: '/connections/:connection/callback',
      get: page(finishConnection),
      post: page(repostConnection),
    },
    { path: '/sign-up', get: page(showSignUp), post: page(submitSignUp) },
    { path: invitationPath, get: page(showInvitation), post: page(submitInvitation) },
    { path: '/logout', get: page(showLogout), post: page(submitLogout) },
    { path: '/device', get: page(showDevice), post: page(submitDevice) },
    { path: `${languagePath}/:language`, get: page(chooseOwnLanguage) },
    { path: '/account', get: page(showAccount), post: page(submitAccount) },
    { path: '/account/connections', get: page(showWaysIn), post: page(submitWaysIn) },
    { path: '/account/applications', get: page(showApplications), post: page(submitApplications) },
    ...mailRoutes(services),
  ]
}

/** What takes a mail, where one can be sent. */
function mailRoutes(services: HostedServices): readonly Route[] {
  const { mailer } = services
  if (mailer === undefined) return []
  const page = (make: (services: HostedServices, mailer: Mailer) => Endpoint): Endpoint =>
    pageEndpoint(services, inTheirs => make(inTheirs, mailer))
  return [
    ...(usesPasswords(services.config)
      ? [
          { path: forgotPath, get: page(showForgot), post: page(submitForgot) },
          { path: linkPaths.reset_password, get: page(showReset), post: page(submitReset) },
        ]
      : []),
    { path: linkPaths.verify_address, get: page(showVerify), post: page(submitVerify) },
    { path: linkPaths.not_me, get: page(showNotMe), post: page(submitNotMe) },
  ]
}

/** For back ends that act for users. */
function trustedRoutes(services: HostedServices): readonly Route[] {
  return [
    forClients(services, { path: '/v1/trusted/users/:user/grants', get: listTrustedGrants(services) }),
    forClients(services, { path: '/v1/trusted/users/:user/grants/:client', delete: endTrustedGrant(services) }),
    forClients(services, {
      path: '/v1/trusted/users/:user/connections/:connection/token',
      get: getProviderToken(services),
    }),
    forClients(services, {
      path: '/v1/trusted/users/:user/rights',
      get: showRights(services),
      put: setRights(services),
    }),
    forClients(services, {
      path: '/v1/trusted/invitations',
      get: listTrustedInvitations(services),
      post: makeInvitation(services),
    }),
    forClients(services, { path: '/v1/trusted/invitations/:invitation', delete: withdrawInvitation(services) }),
    forClients(services, { path: '/v1/trusted/sessions', post: openTrustedSession(services) }),
    forClients(services, {
      path: '/v1/trusted/users/:user/sessions',
      get: listTrustedSessions(services),
      delete: endTrustedSessions(services),
    }),
    forClients(services, {
      path: '/v1/trusted/users/:user/sessions/:session',
      delete: endTrustedSession(services),
    }),
  ]
}

function clientRoutes(services: HostedServices): readonly Route[] {
  const all = '/v1/admin/clients'
  const one = `${all}/:client`
  return [
    forClients(services, { path: all, get: listClients(services), post: addClient(services) }),
    forClients(services, {
      path: one,
      get: showClient(services),
      put: setClient(services),
      delete: removeClient(services),
    }),
    forClients(services, { path: `${one}/secrets`, post: addSecret(services) }),
    forClients(services, { path: `${one}/secrets/:secret`, delete: retireSecret(services) }),
    forClients(services, { path: `${one}/revoke`, post: revokeClient(services) }),
  ]
}

/** Where clients authenticate: the operator is told of those that are refused. */
function forClients(services: HostedServices, { path, get, post, put, delete: remove, cors }: Route): Route {
  const tell = (endpoint: Endpoint): Endpoint => tellRefusedClients(services, path, endpoint)
  return {
    path,
    ...(get && { get: tell(get) }),
    ...(post && { post: tell(post) }),
    ...(put && { put: tell(put) }),
    ...(remove && { delete: tell(remove) }),
    ...(cors && { cors }),
  }
}

/** Browsers look here too, whatever a page says. The address holds no hash, so it is not kept for long. */
function favicon({ contentType, body }: Asset): HttpAnswer {
  const headers = { ...assetHeaders(contentType), 'cache-control': 'public, max-age=3600' }
  return { status: 200, headers, body }
}
