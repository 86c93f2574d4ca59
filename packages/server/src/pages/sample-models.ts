/**
 * Pages as they come up in life, for the tests and for looking at them.
 *
 * @module
 */

import { type AccountModel, accountPage } from './account-page.ts'
import { type ApplicationsModel, applicationsPage } from './applications-page.ts'
import { type ConsentModel, consentPage } from './consent-page.ts'
import { type DeviceAskedModel, deviceAskedPage, deviceCodePage, deviceDonePage } from './device-page.ts'
import { errorPage, goOnPage, notFoundPage, signedOutPage, waitPage } from './message-pages.ts'
import { type SignInModel, signInPage } from './sign-in-page.ts'
import { signOutPage } from './sign-out-page.ts'
import { type SignUpModel, signUpPage } from './sign-up-page.ts'
import { createSite, type Site } from './site.ts'
import { type WaysInModel, waysInPage } from './ways-in-page.ts'

export const sampleSite: Site = createSite({ host: 'id.example.com' })

export const signInModel: SignInModel = {
  csrf: 'csrf-of-sign-in',
  application: { name: 'Orchard Notes', host: 'notes.example.com' },
  signUpUrl: '/sign-up?client_id=notes&state=abc',
}

export const signUpModel: SignUpModel = {
  csrf: 'csrf-of-sign-up',
  application: { name: 'Orchard Notes', host: 'notes.example.com' },
  passwordMinLength: 10,
  signInUrl: '/sign-in?client_id=notes&state=abc',
}

const now = Date.UTC(2026, 10, 12, 9, 30)
const minutes = 60_000
const days = 24 * 60 * minutes

export const accountModel: AccountModel = {
  csrf: 'csrf-of-account',
  now,
  user: { email: 'robin@example.com', name: 'Robin Example' },
  passwordMinLength: 10,
  applicationsUrl: '/account/applications',
  waysInUrl: '/account/connections',
  sessions: [
    {
      id: 'AZrJq3kAAAAAAAAAAAAAAA',
      device: 'Safari on iPhone',
      applications: ['Orchard Notes'],
      ip: '2001:db8:85a3::8a2e:370:7334',
      createdAt: now - 40 * days,
      lastSeenAt: now - 26 * 60 * minutes,
      current: false,
    },
    {
      id: 'AZrJq3kAAAAAAAAAAAAAAQ',
      device: 'Firefox on Linux',
      applications: ['Orchard Notes', 'Weather Desk'],
      ip: '192.0.2.44',
      createdAt: now - 3 * days,
      lastSeenAt: now - 20_000,
      current: true,
    },
    {
      id: 'AZrJq3kAAAAAAAAAAAAAAg',
      device: 'curl',
      applications: [],
      ip: '198.51.100.7',
      createdAt: now - 70 * minutes,
      lastSeenAt: now - 65 * minutes,
      current: false,
    },
    {
      id: 'AZrJq3kAAAAAAAAAAAAAAw',
      device: 'Chrome on Android tablet',
      applications: ['Weather Desk'],
      ip: '203.0.113.9',
      createdAt: now - 300 * days,
      lastSeenAt: now - 29 * days,
      current: false,
    },
  ],
}

export const deviceAskedModel: DeviceAskedModel = {
  csrf: 'csrf-of-device',
  now,
  user: 'robin@example.com',
  userCode: 'BCDF-GHJK',
  application: { name: 'Orchard TV', firstParty: false },
  isVerified: false,
  device: { label: 'Unknown TV', ip: '203.0.113.9' },
  askedAt: now - 2 * minutes,
  scopes: [
    { scope: 'openid', text: 'Know that it is you' },
    { scope: 'profile', text: 'See your name and what else is in your profile' },
    { scope: 'notes:read' },
  ],
  audiences: ['https://api.example.com/notes', 'https://media.example.com'],
}

export const consentModel: ConsentModel = {
  csrf: 'csrf-of-consent',
  shown: 'seal-of-consent',
  account: { id: 'AZrJq3kAAAAAAAAAAAAAAA', email: 'robin@example.com', name: 'Robin Example' },
  application: { name: 'Orchard Notes', host: 'notes.example.com' },
  isVerified: true,
  about: {},
  added: [
    { scope: 'openid', text: 'Know that it is you, and recognise you when you come back' },
    { scope: 'notes', text: 'Read and write your notes' },
    { scope: 'weather:read' },
  ],
  known: [],
  audiences: [],
  isOffline: false,
  loginSeconds: 180 * 86_400,
  otherAccountUrl: '/sign-in?return_to=%2Fauthorize%3Fclient_id%3Dnotes',
}

export const applicationsModel: ApplicationsModel = {
  csrf: 'csrf-of-applications',
  now,
  user: { email: 'robin@example.com', name: 'Robin Example' },
  accountUrl: '/account',
  applications: [
    {
      clientId: 'notes',
      name: 'Orchard Notes',
      host: 'notes.example.com',
      isVerified: false,
      scopes: [...consentModel.added, { scope: 'offline_access', text: 'Go on while you are away' }],
      allowedAt: now - 40 * days,
      lastUsedAt: now - 20_000,
      logins: [
        {
          familyId: 'AZrJq3kAAAAAAAAAAAAAAQ',
          device: 'Firefox on Linux',
          createdAt: now - 3 * days,
          lastUsedAt: now - 20_000,
          isHere: true,
          isOffline: false,
        },
        {
          familyId: 'AZrJq3kAAAAAAAAAAAAAAg',
          device: 'Safari on iPhone',
          createdAt: now - 40 * days,
          lastUsedAt: now - 26 * 60 * minutes,
          isHere: false,
          isOffline: true,
        },
      ],
    },
    {
      clientId: 'weather',
      name: 'Weather Desk',
      host: 'weather.example.com',
      isVerified: true,
      scopes: [{ scope: 'account', text: 'Manage your account' }],
      lastUsedAt: now - 65 * minutes,
      logins: [
        {
          familyId: 'AZrJq3kAAAAAAAAAAAAAAw',
          device: 'Chrome on Android tablet',
          createdAt: now - 70 * minutes,
          lastUsedAt: now - 65 * minutes,
          isHere: false,
          isOffline: false,
        },
      ],
    },
    {
      clientId: 'ledger',
      name: 'Ledger',
      isVerified: true,
      scopes: [{ scope: 'openid', text: 'Know that it is you' }],
      allowedAt: now - 300 * days,
      lastUsedAt: now - 300 * days,
      logins: [],
    },
  ],
}

const sampleConnections = ['Google', 'GitHub', 'The Association of Example Orchards'].map(title => ({
  title,
  url: '/connections/x?return_to=%2Faccount',
}))

export const waysInModel: WaysInModel = {
  csrf: 'csrf-of-ways-in',
  now,
  user: { email: 'robin@example.com', name: 'Robin Example' },
  hasPassword: true,
  ways: [
    { connection: 'google', subject: '42', title: 'Google', who: 'robin@gmail.example', linkedAt: now - 40 * days },
    { connection: 'github', subject: '7', title: 'GitHub', linkedAt: now - 20_000 },
  ],
  more: [{ title: 'Example Corp', url: '/connections/work?link=seal' }],
  accountUrl: '/account',
  done: 'link',
}

/** Name of a state → the finished page. */
export const samplePages: Readonly<Record<string, string>> = {
  'sign-in': signInPage(sampleSite, signInModel),
  'sign-in-own-account': signInPage(sampleSite, { csrf: 'c' }),
  'sign-in-wrong': signInPage(sampleSite, {
    ...signInModel,
    email: 'robin@example.com',
    problem: { reason: 'login_failed' },
  }),
  'sign-in-too-many': signInPage(sampleSite, {
    ...signInModel,
    email: 'robin@example.com',
    problem: { reason: 'too_many_attempts', retryAfterSeconds: 45 },
  }),
  'sign-in-expired': signInPage(sampleSite, { ...signInModel, problem: { reason: 'session_expired' } }),
  'sign-up': signUpPage(sampleSite, signUpModel),
  'sign-up-taken': signUpPage(sampleSite, {
    ...signUpModel,
    email: 'robin@example.com',
    name: 'Robin',
    problem: { reason: 'email_taken' },
  }),
  'sign-up-password': signUpPage(sampleSite, {
    ...signUpModel,
    email: 'robin@example.com',
    problem: { reason: 'password_unacceptable' },
  }),
  'sign-up-closed': signUpPage(sampleSite, { ...signUpModel, problem: { reason: 'signup_closed' } }),
  account: accountPage(sampleSite, accountModel),
  'account-done': accountPage(sampleSite, { ...accountModel, done: 'end_session' }),
  'account-wrong-password': accountPage(sampleSite, { ...accountModel, problem: { reason: 'login_failed' } }),
  'account-alone': accountPage(sampleSite, {
    csrf: 'c',
    now,
    applicationsUrl: '/account/applications',
    user: { email: 'a-rather-long-address-of-somebody@department.of.long.names.example.com' },
    sessions: accountModel.sessions.filter(session => session.current),
  }),
  'device-code': deviceCodePage(sampleSite, { csrf: 'c', user: 'robin@example.com' }),
  'device-code-filled': deviceCodePage(sampleSite, { csrf: 'c', user: 'robin@example.com', userCode: 'BCDF-GHJK' }),
  'device-code-wrong': deviceCodePage(sampleSite, {
    csrf: 'c',
    user: 'robin@example.com',
    userCode: 'BCDF-GHJX',
    problem: { reason: 'user_code_invalid' },
  }),
  'device-code-too-many': deviceCodePage(sampleSite, {
    csrf: 'c',
    user: 'robin@example.com',
    problem: { reason: 'too_many_attempts', retryAfterSeconds: 300 },
  }),
  'device-asked': deviceAskedPage(sampleSite, deviceAskedModel),
  'device-asked-own': deviceAskedPage(sampleSite, {
    ...deviceAskedModel,
    application: { name: 'Notes', firstParty: true },
    isVerified: true,
    audiences: [],
    scopes: [{ scope: 'account', text: 'Manage your account' }],
  }),
  'device-allowed': deviceDonePage(sampleSite, { allowed: true }),
  'device-denied': deviceDonePage(sampleSite, { allowed: false }),
  consent: consentPage(sampleSite, consentModel),
  'consent-offline-unverified': consentPage(sampleSite, {
    ...consentModel,
    isVerified: false,
    isOffline: true,
    application: { name: 'Orchard Notes', host: '127.0.0.1:4444' },
    about: { uri: 'https://notes.example.com/', policyUri: 'https://notes.example.com/privacy' },
    audiences: ['https://api.example.com/notes'],
  }),
  'consent-more': consentPage(sampleSite, {
    ...consentModel,
    added: consentModel.added.slice(2),
    known: consentModel.added.slice(0, 2),
  }),
  'consent-again': consentPage(sampleSite, { ...consentModel, added: [], known: consentModel.added }),
  'consent-nothing': consentPage(sampleSite, { ...consentModel, added: [] }),
  applications: applicationsPage(sampleSite, applicationsModel),
  'applications-done': applicationsPage(sampleSite, { ...applicationsModel, done: 'withdraw' }),
  'applications-late': applicationsPage(sampleSite, { ...applicationsModel, problem: { reason: 'grant_unknown' } }),
  'applications-none': applicationsPage(sampleSite, { ...applicationsModel, applications: [] }),
  'sign-in-connections': signInPage(sampleSite, { ...signInModel, connections: sampleConnections }),
  'sign-in-connection-taken': signInPage(sampleSite, {
    ...signInModel,
    connections: sampleConnections,
    problem: { reason: 'connection_account_exists' },
  }),
  'go-on': goOnPage(sampleSite, { url: '/authorize?client_id=notes' }),
  'ways-in': waysInPage(sampleSite, waysInModel),
  'ways-in-stale': waysInPage(sampleSite, { ...waysInModel, confirmUrl: '/sign-in', more: [] }),
  'ways-in-only': waysInPage(sampleSite, {
    ...waysInModel,
    hasPassword: false,
    ways: waysInModel.ways.slice(0, 1),
    problem: { reason: 'identity_taken' },
  }),
  'signed-out': signedOutPage(sampleSite, { signInUrl: '/sign-in' }),
  'signed-out-everywhere': signedOutPage(sampleSite, { everywhere: true }),
  'signed-out-way-back': signedOutPage(sampleSite, {
    signInUrl: '/sign-in',
    application: { name: 'Orchard Notes', url: 'https://notes.example.com/' },
  }),
  'sign-out': signOutPage(sampleSite, {
    csrf: 'c',
    user: { email: 'robin@example.com', name: 'Robin Example' },
    application: 'Orchard Notes',
    accountUrl: '/account',
  }),
  'sign-out-unasked': signOutPage(sampleSite, {
    csrf: 'c',
    user: { email: 'robin@example.com' },
    accountUrl: '/account',
  }),
  error: errorPage(sampleSite, { reason: 'redirect_uri_mismatch', reference: 'req-7f3a' }),
  'error-with-way-back': errorPage(sampleSite, {
    reason: 'parameter_missing',
    detail: 'The parameter code_challenge is missing.',
    application: { name: 'Orchard Notes', url: 'https://notes.example.com/' },
  }),
  'error-of-a-stranger': errorPage(sampleSite, {
    reason: 'login_required',
    application: {
      name: 'Orchard Notes',
      host: 'notes.example.com',
      url: 'https://notes.example.com/callback?error=x',
    },
  }),
  'not-found': notFoundPage(sampleSite, { homeUrl: '/account' }),
  'wait-attempts': waitPage(sampleSite, { reason: 'too_many_attempts', retryAfterSeconds: 300 }),
  'wait-unavailable': waitPage(sampleSite, { reason: 'unavailable', retryAfterSeconds: 5, retryUrl: '/account' }),
}
