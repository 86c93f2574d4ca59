/**
 * What pages show as they come up in life, for the tests and for looking at them.
 *
 * @module
 */

import type { AccountModel } from '../pages/account-page.ts'
import type { ApplicationsModel } from '../pages/applications-page.ts'
import type { ConnectionLink } from '../pages/connection-links.ts'
import type { ConsentModel } from '../pages/consent-page.ts'
import type { DeviceAskedModel } from '../pages/device-page.ts'
import type { SignInModel } from '../pages/sign-in-page.ts'
import type { SignUpModel } from '../pages/sign-up-page.ts'
import { createSite, type Site } from '../pages/site.ts'
import type { WaysInModel } from '../pages/ways-in-page.ts'

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

export const now: number = Date.UTC(2026, 10, 12, 9, 30)
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

export const sampleConnections: readonly ConnectionLink[] = [
  'Google',
  'GitHub',
  'The Association of Example Orchards',
].map(title => ({
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
