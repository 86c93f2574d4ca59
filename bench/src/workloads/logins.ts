import { backEndAuthorization, makeLogins } from '../countersign/logins.ts'
import { prepareCountersign } from '../countersign/server.ts'
import type { RunningServer } from '../harness/processes.ts'
import { figure, type Settings, type Workload } from '../harness/workload.ts'
import { appId } from '../peers/oidc-provider/configuration.ts'
import type { PeerTask } from '../peers/oidc-provider/server-task.ts'
import { type Contestant, contest, contestSeconds, type Work } from './contest.ts'
import { redemption, startPeerServer } from './requests.ts'

const usersOf = (settings: Settings): number => (settings.short ? 500 : 5_000)
/** Enough for all rounds of a machine twice as fast. */
const codesOf = (settings: Settings): number => Math.ceil((settings.seconds + 2) * settings.rounds * 2_000)

/**
 * What is compared: one request after which a login is on the disk, with its tokens in the answer. Ours is a trusted session of a user
 * who is known (session, family, audit row). oidc-provider has no such call; the nearest is redeeming an authorization
 * code, whose user has signed in before (code consumed, refresh token stored), without PKCE or an ID token.
 */
export const logins: Workload = {
  text: 'durable logins per second, through the endpoint for trusted back ends',
  lastsSeconds: settings => contestSeconds(settings, 3) + (settings.short ? 5 : 20),
  async run(settings) {
    const contestants: Contestant[] = [
      { name: 'Countersign, SQLite, durable', start: folder => startCountersign(settings, folder) },
      { name: 'oidc-provider, SQLite FULL (durable)', start: startPeer('sqlite-full', codesOf(settings)) },
      { name: 'oidc-provider, SQLite NORMAL (not durable)', start: startPeer('sqlite-normal', codesOf(settings)) },
    ]
    const { table } = await contest('Logins', contestants, settings, [
      `Ours: sessions of ${figure(usersOf(settings))} known users, each with an audit row, answered when they are on the disk.`,
      'oidc-provider: authorization codes redeemed, the nearest it has; what came before (sign-in, consent, the code itself) is not counted.',
    ])
    return { tables: [table], aims: [] }
  },
}

async function startCountersign(settings: Settings, folder: string): Promise<RunningServer<Work>> {
  const { command } = settings
  const system = await prepareCountersign({ command, folder, rotatesAlways: false })
  const server = await system.start()
  const users = usersOf(settings)
  await makeLogins(system, users)
  const url = `${system.issuer}/v1/trusted/sessions`
  const authorization = await backEndAuthorization(system)
  return { ...server, ready: { kind: 'login', url, authorization, clientId: system.clientId, users } }
}

function startPeer(store: PeerTask['store'], codes: number): Contestant['start'] {
  return async folder => {
    const server = await startPeerServer({ store, seed: 'bare codes', dpop: false, logins: codes, folder })
    const { issuer, seedFile } = server.ready
    return { ...server, ready: redemption(issuer, appId, seedFile) }
  }
}
