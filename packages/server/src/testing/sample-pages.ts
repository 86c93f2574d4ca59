/**
 * Pages as they come up in life, in any language: for the tests and for looking at them.
 *
 * @module
 */

import { accountPage } from '../pages/account-page.ts'
import { applicationsPage } from '../pages/applications-page.ts'
import { consentPage } from '../pages/consent-page.ts'
import { deviceAskedPage, deviceCodePage, deviceDonePage } from '../pages/device-page.ts'
import { invitationOverPage, invitationPage } from '../pages/invitation-page.ts'
import { fill } from '../pages/language/sentence.ts'
import {
  forgotPage,
  linkOverPage,
  notMeDonePage,
  notMePage,
  resetDonePage,
  resetLeftPage,
  resetPage,
  verifyDonePage,
  verifyPage,
} from '../pages/mail-pages.ts'
import { errorPage, goOnPage, notFoundPage, signedOutPage, waitPage } from '../pages/message-pages.ts'
import { signInPage } from '../pages/sign-in-page.ts'
import { signOutPage } from '../pages/sign-out-page.ts'
import { signUpPage } from '../pages/sign-up-page.ts'
import type { Site } from '../pages/site.ts'
import { waysInPage } from '../pages/ways-in-page.ts'
import {
  accountModel,
  applicationsModel,
  consentModel,
  deviceAskedModel,
  now,
  sampleConnections,
  signInModel,
  signUpModel,
  waysInModel,
} from './sample-models.ts'

type Pages = Readonly<Record<string, string>>

/** Name of a state → the finished page. */
export function samplePages(site: Site): Pages {
  return {
    ...signInPages(site),
    ...consentPages(site),
    ...devicePages(site),
    ...accountPages(site),
    ...messagePages(site),
    ...mailPages(site),
  }
}

function signInPages(site: Site): Pages {
  return {
    'sign-in': signInPage(site, signInModel),
    'sign-in-own-account': signInPage(site, { csrf: 'c' }),
    'sign-in-wrong': signInPage(site, {
      ...signInModel,
      email: 'robin@example.com',
      problem: { reason: 'login_failed' },
    }),
    'sign-in-unfinished': signInPage(site, {
      ...signInModel,
      email: 'maria',
      problem: { reason: 'parameter_missing' },
      unfinished: ['email', 'password'],
    }),
    'sign-in-too-many': signInPage(site, {
      ...signInModel,
      email: 'robin@example.com',
      problem: { reason: 'too_many_attempts', retryAfterSeconds: 45 },
    }),
    'sign-in-expired': signInPage(site, { ...signInModel, problem: { reason: 'session_expired' } }),
    'sign-up': signUpPage(site, signUpModel),
    'sign-up-taken': signUpPage(site, {
      ...signUpModel,
      email: 'robin@example.com',
      name: 'Robin',
      problem: { reason: 'email_taken' },
    }),
    'sign-up-password': signUpPage(site, {
      ...signUpModel,
      email: 'robin@example.com',
      problem: { reason: 'password_unacceptable' },
    }),
    'sign-up-closed': signUpPage(site, { ...signUpModel, problem: { reason: 'signup_closed' } }),
    'sign-in-connections': signInPage(site, { ...signInModel, connections: sampleConnections }),
    'sign-in-uninvited': signInPage(site, {
      ...signInModel,
      connections: sampleConnections,
      problem: { reason: 'invitation_required' },
    }),
    'sign-in-without-password': signInPage(site, {
      csrf: 'c',
      connections: sampleConnections,
      withoutPassword: true,
    }),
    'sign-in-connection-taken': signInPage(site, {
      ...signInModel,
      connections: sampleConnections,
      problem: { reason: 'connection_account_exists' },
    }),
  }
}

function accountPages(site: Site): Pages {
  return {
    account: accountPage(site, accountModel),
    'account-done': accountPage(site, { ...accountModel, done: 'end_session' }),
    'account-wrong-password': accountPage(site, { ...accountModel, problem: { reason: 'login_failed' } }),
    'account-alone': accountPage(site, {
      csrf: 'c',
      now,
      applicationsUrl: '/account/applications',
      user: { email: 'a-rather-long-address-of-somebody@department.of.long.names.example.com' },
      sessions: accountModel.sessions.filter(session => session.current),
    }),
    applications: applicationsPage(site, applicationsModel),
    'applications-done': applicationsPage(site, { ...applicationsModel, done: 'withdraw' }),
    'applications-late': applicationsPage(site, { ...applicationsModel, problem: { reason: 'grant_unknown' } }),
    'applications-none': applicationsPage(site, { ...applicationsModel, applications: [] }),
    'ways-in': waysInPage(site, waysInModel),
    'ways-in-stale': waysInPage(site, { ...waysInModel, confirmUrl: '/sign-in', more: [] }),
    'ways-in-only': waysInPage(site, {
      ...waysInModel,
      hasPassword: false,
      ways: waysInModel.ways.slice(0, 1),
      problem: { reason: 'identity_taken' },
    }),
  }
}

function devicePages(site: Site): Pages {
  return {
    'device-code': deviceCodePage(site, { csrf: 'c', user: 'robin@example.com' }),
    'device-code-filled': deviceCodePage(site, { csrf: 'c', user: 'robin@example.com', userCode: 'BCDF-GHJK' }),
    'device-code-wrong': deviceCodePage(site, {
      csrf: 'c',
      user: 'robin@example.com',
      userCode: 'BCDF-GHJX',
      problem: { reason: 'user_code_invalid' },
    }),
    'device-code-too-many': deviceCodePage(site, {
      csrf: 'c',
      user: 'robin@example.com',
      problem: { reason: 'too_many_attempts', retryAfterSeconds: 300 },
    }),
    'device-asked': deviceAskedPage(site, deviceAskedModel),
    'device-asked-own': deviceAskedPage(site, {
      ...deviceAskedModel,
      application: { name: 'Notes', firstParty: true },
      isVerified: true,
      audiences: [],
      scopes: [{ scope: 'account', text: 'Manage your account' }],
    }),
    'device-allowed': deviceDonePage(site, { allowed: true }),
    'device-denied': deviceDonePage(site, { allowed: false }),
  }
}

function consentPages(site: Site): Pages {
  return {
    consent: consentPage(site, consentModel),
    'consent-offline-unverified': consentPage(site, {
      ...consentModel,
      isVerified: false,
      isOffline: true,
      application: { name: 'Orchard Notes', host: '127.0.0.1:4444' },
      about: { uri: 'https://notes.example.com/', policyUri: 'https://notes.example.com/privacy' },
      audiences: ['https://api.example.com/notes'],
    }),
    'consent-more': consentPage(site, {
      ...consentModel,
      added: consentModel.added.slice(2),
      known: consentModel.added.slice(0, 2),
    }),
    'consent-again': consentPage(site, { ...consentModel, added: [], known: consentModel.added }),
    'consent-nothing': consentPage(site, { ...consentModel, added: [] }),
  }
}

function messagePages(site: Site): Pages {
  return {
    'go-on': goOnPage(site, { url: '/authorize?client_id=notes' }),
    'signed-out': signedOutPage(site, { signInUrl: '/sign-in' }),
    'signed-out-everywhere': signedOutPage(site, { everywhere: true }),
    'signed-out-way-back': signedOutPage(site, {
      signInUrl: '/sign-in',
      application: { name: 'Orchard Notes', url: 'https://notes.example.com/' },
    }),
    'sign-out': signOutPage(site, {
      csrf: 'c',
      user: { email: 'robin@example.com', name: 'Robin Example' },
      application: 'Orchard Notes',
      accountUrl: '/account',
    }),
    'sign-out-unasked': signOutPage(site, {
      csrf: 'c',
      user: { email: 'robin@example.com' },
      accountUrl: '/account',
    }),
    error: errorPage(site, { reason: 'redirect_uri_mismatch', reference: 'req-7f3a' }),
    'error-with-way-back': errorPage(site, {
      reason: 'parameter_missing',
      detail: 'The parameter code_challenge is missing.',
      application: { name: 'Orchard Notes', url: 'https://notes.example.com/' },
    }),
    'error-of-a-stranger': errorPage(site, {
      reason: 'login_required',
      application: {
        name: 'Orchard Notes',
        host: 'notes.example.com',
        url: 'https://notes.example.com/callback?error=x',
      },
    }),
    'not-found': notFoundPage(site, { homeUrl: '/account' }),
    'wait-attempts': waitPage(site, { reason: 'too_many_attempts', retryAfterSeconds: 300 }),
    'wait-unavailable': waitPage(site, { reason: 'unavailable', retryAfterSeconds: 5, retryUrl: '/account' }),
  }
}

function mailPages(site: Site): Pages {
  const { unverified, again, sent } = site.texts.verify
  const email = 'robin@example.com'
  const verification = { text: fill(unverified, { address: email }), again }
  const reset = { csrf: 'c', shown: 's', email, passwordMinLength: 8 }
  const verify = { csrf: 'c', shown: 's', email, signInUrl: '/sign-in', forgotUrl: '/forgot-password' }
  const withPassword = { ...verify, asksFor: 'password' as const }
  const invitationModel = { ...reset, connections: [] }
  const session = { device: 'Firefox on Linux', ip: '203.0.113.9', time: now }
  return {
    'sign-in-forgot': signInPage(site, { ...signInModel, forgot: { url: '/x', label: site.texts.forgot.link } }),
    'account-unverified': accountPage(site, { ...accountModel, verification }),
    'account-verification-sent': accountPage(site, { ...accountModel, verification: { ...verification, sent } }),
    invitation: invitationPage(site, invitationModel),
    'invitation-connections': invitationPage(site, { ...invitationModel, connections: sampleConnections }),
    'invitation-wrong': invitationPage(site, { ...invitationModel, problem: { reason: 'password_unacceptable' } }),
    'invitation-taken': invitationPage(site, {
      csrf: 'c',
      shown: 's',
      email,
      connections: sampleConnections,
      problem: { reason: 'connection_account_exists' },
    }),
    'invitation-over': invitationOverPage(site, { signInUrl: '/sign-in' }),
    forgot: forgotPage(site, { csrf: 'c', signInUrl: '/sign-in' }),
    'forgot-wrong': forgotPage(site, { csrf: 'c', signInUrl: '/sign-in', problem: { reason: 'email_invalid' } }),
    'forgot-sent': forgotPage(site, { csrf: 'c', signInUrl: '/sign-in', isSent: true }),
    reset: resetPage(site, reset),
    'reset-wrong': resetPage(site, { ...reset, problem: { reason: 'password_unacceptable' } }),
    'reset-done': resetDonePage(site, { signInUrl: '/sign-in' }),
    'reset-left': resetLeftPage(site, {
      now,
      ways: waysInModel.ways,
      applications: [{ name: 'Orchard Notes', allowedAt: now - 86_400_000 }],
      signInUrl: '/sign-in?return_to=/account',
    }),
    verify: verifyPage(site, verify),
    'verify-sign-in': verifyPage(site, { csrf: 'c', shown: 's', email, asksFor: 'sign-in', signInUrl: '/sign-in' }),
    'verify-wrong': verifyPage(site, { ...withPassword, problem: { reason: 'login_failed' } }),
    'verify-done': verifyDonePage(site, { accountUrl: '/account' }),
    'not-me': notMePage(site, { csrf: 'c', shown: 's', session }),
    'not-me-unknown': notMePage(site, { csrf: 'c', shown: 's', withoutPassword: true }),
    'not-me-done': notMeDonePage(site),
    'not-me-done-without': notMeDonePage(site, { signInUrl: '/sign-in' }),
    'link-over': linkOverPage(site, { forgotUrl: '/forgot-password' }),
  }
}
