import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signInBrowsers } from '../countersign/browsers.ts'
import { makeLogins } from '../countersign/logins.ts'
import { type Countersign, prepareCountersign } from '../countersign/server.ts'
import type { RunningServer } from '../harness/processes.ts'
import { figure, type Settings, type Workload } from '../harness/workload.ts'
import { api, appId, redirectUri, scope, service } from '../peers/oidc-provider/configuration.ts'
import type { PeerReady, PeerTask } from '../peers/oidc-provider/server-task.ts'
import { aimForLead, type Contestant, contest, contestSeconds, type Work } from './contest.ts'
import { pkce } from './pkce.ts'
import { authorization, clientCredentials, introspection, redemption, startPeerServer, userInfo } from './requests.ts'

/** More than a browser's limit of codes a minute needs, and as many as there may be families in one session. */
const browsersOf = (settings: Settings): number => (settings.short ? 1_000 : 16_000)
const codesOfEach = 4
const tokensOf = (settings: Settings): number => (settings.short ? 500 : 2_000)

/** What is asked of both, by the name of the peer's store. */
interface Comparison {
  readonly title: string
  readonly what: string
  readonly peers: readonly PeerTask['store'][]
  readonly seed: Pick<PeerTask, 'seed' | 'logins' | 'codes'>
  readonly peerWork: (ready: PeerReady) => Work
  readonly ours: readonly Contestant[]
  readonly notes: readonly string[]
}

const stores: Partial<Record<PeerTask['store'], string>> = {
  memory: 'memory',
  'sqlite-normal': 'SQLite NORMAL',
  'sqlite-full': 'SQLite FULL',
}
/** What writes is compared with what is as durable, and all with what writes nowhere. */
const forWrites = ['memory', 'sqlite-full'] as const
const forReads = ['memory', 'sqlite-normal'] as const

function workload(text: string, setUpSeconds: number, of: (settings: Settings) => Comparison): Workload {
  return {
    text,
    lastsSeconds: settings => {
      const { ours, peers } = of(settings)
      return contestSeconds(settings, ours.length + peers.length) + (settings.short ? 5 : setUpSeconds)
    },
    async run(settings) {
      const { title, what, peers, seed, peerWork, ours, notes } = of(settings)
      const nameOf = (store: PeerTask['store']): string => `oidc-provider, ${stores[store]}`
      const theirs = peers.map(store => ({
        name: nameOf(store),
        start: async (folder: string) => {
          const server = await startPeerServer({ ...seed, store, dpop: false, folder })
          return { ...server, ready: peerWork(server.ready) }
        },
      }))
      const { table, lead } = await contest(title, [...ours, ...theirs], settings, notes)
      return {
        tables: [table],
        aims: [aimForLead(`${what}, beside oidc-provider in memory`, 1, lead(nameOf('memory')))],
      }
    },
  }
}

/** The same application as at the peer, somebody else's: its users are asked. */
const app = {
  id: appId,
  redirect_uris: [redirectUri],
  scopes: ['openid', scope],
  audiences: [api],
}
const serviceClient = {
  id: service.id,
  secrets: [service.secret],
  grant_types: ['client_credentials'],
  scopes: [scope, 'introspection'],
  audiences: [api],
}
/** Of ours, so that a back end may open logins at it. */
const profileApp = { id: 'profile-app', first_party: true, scopes: ['openid', 'profile', 'email'], audiences: [api] }

type Prepare = (system: Countersign, folder: string) => Promise<Work>

function ours(name: string, settings: Settings, clients: readonly object[], prepare: Prepare): Contestant {
  return {
    name,
    async start(folder): Promise<RunningServer<Work>> {
      mkdirSync(folder, { recursive: true })
      const system = await prepareCountersign({ command: settings.command, folder, rotatesAlways: false, clients })
      const ready = await prepare(system, folder)
      return { ...(await system.start()), ready }
    },
  }
}

function saved(folder: string, values: readonly string[]): string {
  const file = join(folder, 'values.json')
  writeFileSync(file, JSON.stringify(values))
  return file
}

/** Signs browsers in; the work is made of what they then hold. */
function fromBrowsers(settings: Settings, codes: number, work: (system: Countersign, file: string) => Work): Prepare {
  return async (system, folder) => {
    const asked = authorization({ origin: system.issuer, path: '/authorize' }, appId, '')
    const browsers = await signInBrowsers(system, asked.path, { count: browsersOf(settings), codesOfEach: codes })
    return work(system, saved(folder, codes > 0 ? browsers.codes : browsers.cookies))
  }
}

/** Access tokens of as many users, for the service to ask about or for UserInfo. */
function fromTokens(settings: Settings, work: (system: Countersign, file: string) => Work): Prepare {
  return async (system, folder) => {
    const server = await system.start()
    const logins = await makeLogins(system, tokensOf(settings), { clientId: profileApp.id, named: true })
    await server.stop()
    return work(
      system,
      saved(
        folder,
        logins.map(({ accessToken }) => accessToken),
      ),
    )
  }
}

const durable = 'Countersign, SQLite, durable'

export const authorize: Workload = workload(
  'codes per second at /authorize: signed in, allowed before',
  25,
  settings => ({
    title: 'Authorization: signed in, allowed, a code',
    what: 'Codes at `/authorize`',
    peers: forWrites,
    seed: { seed: 'cookies', logins: browsersOf(settings) },
    peerWork: ({ issuer, seedFile }) => authorization({ origin: issuer, path: '/auth' }, appId, seedFile),
    ours: [
      ours(
        durable,
        settings,
        [app],
        fromBrowsers(settings, 0, ({ issuer }, file) =>
          authorization({ origin: issuer, path: '/authorize' }, appId, file),
        ),
      ),
    ],
    notes: [
      `${figure(browsersOf(settings))} browsers in turn, each of another user who has allowed the application before; PKCE, \`openid\` and a scope of an API. Ours answers when the code is on the disk; at SQLite FULL so does oidc-provider.`,
    ],
  }),
)

export const redeem: Workload = workload(
  'authorization codes redeemed per second, with PKCE and an ID token',
  40,
  settings => ({
    title: 'Code redemption',
    what: 'Code redemption',
    peers: forWrites,
    seed: { seed: 'codes', logins: browsersOf(settings), codes: codesOfEach },
    peerWork: ({ issuer, seedFile }) => redemption(issuer, appId, seedFile, pkce.verifier),
    ours: [
      ours(
        durable,
        settings,
        [app],
        fromBrowsers(settings, codesOfEach, ({ issuer }, file) => redemption(issuer, appId, file, pkce.verifier)),
      ),
    ],
    notes: [
      `The answer holds a JWT access token, an ID token (both ES256) and a refresh token. ${figure(browsersOf(settings) * codesOfEach)} codes of ${figure(browsersOf(settings))} browsers lie in the store beforehand, as the authorization endpoint leaves them.`,
    ],
  }),
)

export const introspect: Workload = workload(
  'introspections per second, of an API about tokens of users',
  25,
  settings => {
    const asks = ({ issuer }: Countersign, file: string): Work =>
      introspection({ origin: issuer, path: '/introspect' }, service, file)
    return {
      title: 'Introspection',
      what: 'Introspection',
      peers: forReads,
      seed: { seed: 'access tokens', logins: tokensOf(settings) },
      peerWork: ({ issuer, seedFile }) =>
        introspection({ origin: issuer, path: '/token/introspection' }, service, seedFile),
      ours: [
        ours('Countersign, SQLite, JWTs', settings, [profileApp, serviceClient], fromTokens(settings, asks)),
        ours(
          'Countersign, SQLite, opaque tokens',
          settings,
          [
            { ...profileApp, access_token_format: 'opaque' },
            { ...serviceClient, serves: [api] },
          ],
          fromTokens(settings, asks),
        ),
      ],
      notes: [
        `${figure(tokensOf(settings))} tokens in turn, each of another user; the caller authenticates by a secret. The signature of a JWT is checked when it first comes, and remembered. oidc-provider introspects opaque tokens alone, and refuses JWTs.`,
      ],
    }
  },
)

export const userinfo: Workload = workload('UserInfo answers per second', 20, settings => ({
  title: 'UserInfo',
  what: 'UserInfo',
  peers: forReads,
  seed: { seed: 'access tokens', logins: tokensOf(settings) },
  peerWork: ({ issuer, seedFile }) => userInfo({ origin: issuer, path: '/me' }, seedFile),
  ours: [
    ours(
      'Countersign, SQLite',
      settings,
      [profileApp],
      fromTokens(settings, ({ issuer }, file) => userInfo({ origin: issuer, path: '/userinfo' }, file)),
    ),
  ],
  notes: [
    `${figure(tokensOf(settings))} tokens in turn, each of another user, with the scopes \`openid profile email\`. Ours are JWTs; oidc-provider takes opaque ones alone here. Its users are made up by a function, ours are rows.`,
  ],
}))

export const machines: Workload = workload(
  'client credentials: tokens per second of a service for itself',
  8,
  settings => ({
    title: 'Client credentials',
    what: 'Client credentials',
    peers: forReads,
    seed: { seed: 'nothing', logins: 0 },
    peerWork: ({ issuer }) => clientCredentials(issuer, service),
    ours: [
      ours('Countersign, SQLite', settings, [serviceClient], async ({ issuer }) => clientCredentials(issuer, service)),
    ],
    notes: ['JWT access tokens (ES256) on both sides; the client authenticates by a secret. Neither stores anything.'],
  }),
)
