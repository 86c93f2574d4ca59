import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { Connection } from '@countersign/connections'
import { type Client, createPersonalSeal, defaultKeyPolicy, type MasterKey } from '@countersign/core'
import {
  type AddClaims,
  type CountersignServer,
  createServer,
  type Log,
  type MailTransport,
  type Observer,
  openSmtp,
  pooledRandomBytes,
  type RefreshEvent,
  WrongMasterKey,
} from '@countersign/server'
import type { Store, StoreOptions, StoreUnavailable } from '@countersign/store'
import type { Configuration } from './configuration.ts'
import { hostedPagesOf } from './hosted-pages.ts'
import { withJournal } from './journal/with-journal.ts'
import { createLookLog } from './look-log.ts'
import { type FoundMasterKey, missingMasterKey } from './master-key.ts'
import { openKeyRing } from './open-key-ring.ts'
import { openStore } from './open-store.ts'
import { openValkey } from './open-valkey.ts'
import { createStoreClock, type StoreClock } from './store-clock.ts'

/** A node with its store, ready to listen. */
export interface System {
  readonly server: CountersignServer
  readonly store: Store
  readonly issuer: string
  /** Whether Valkey answers; absent: none is configured. */
  readonly valkeyIsThere?: () => boolean
  readonly clock: Pick<StoreClock, 'aheadMs'>
  /** `announced`: load balancers are told before. */
  close(how?: { announced?: boolean }): Promise<void>
}

export interface SystemOptions {
  readonly configuration: Configuration
  readonly folder: string
  readonly master: FoundMasterKey
  readonly log: Log
  /** The port that will be listened on, if the configured one is 0. */
  readonly port?: number
  readonly moreClients?: readonly Client[]
  /** Ways to sign in besides those of the configuration: Passport strategies, for one. */
  readonly moreConnections?: readonly Connection[]
  /** Code that adds claims to tokens. */
  readonly addClaims?: AddClaims
  /** How mails are sent, in the place of what is configured. */
  readonly mail?: MailTransport
  /** Whether stored clients that the configuration does not name (any more) are switched off. */
  readonly clientsAreComplete?: boolean
  /** Beside the nodes, or while none runs: what is stored stands, whatever the configuration says, and no job runs. */
  readonly isForCommands?: boolean
  readonly onRefresh?: (event: RefreshEvent) => void
  readonly observer?: Observer
  /** Called once if the store can be written no more: end the process, a restart reads what is really on the disk. */
  readonly onLost?: (failure: StoreUnavailable) => void
}

/** Without one, what it can be reached by on this machine. */
export function issuerOf({ issuer, port }: Pick<Configuration, 'issuer' | 'port'>, listensOn: number = port): string {
  return issuer ?? `http://127.0.0.1:${listensOn}`
}

/** Configuration → engine → server. */
export async function openSystem(options: SystemOptions): Promise<System> {
  const { configuration, folder, master, log, onRefresh, observer } = options
  const issuer = issuerOf(configuration, options.port)
  const pages = hostedPagesOf(configuration)
  const onLost = options.onLost && { onLost: options.onLost }
  const clock = createStoreClock(log)
  const more = { ...onLost, onClock: clock.tell, onLook: createLookLog(log), folder }
  const opened = await openStore(configuration, { ...storeOptions(master.key), ...more })
  const journalledStore = await journalled(opened, issuer, options)
  const lane = await openValkey(configuration, { log, namespace: opened.feed.incarnation })
  const store = lane?.tellCommits(journalledStore) ?? journalledStore
  const ringRegister = await openKeyRing(configuration, log)
  const { rotationSeconds, ...keyPolicy } = defaultKeyPolicy
  const mail = options.mail ?? (await mailOf(configuration))
  try {
    const server = await createServer({
      store,
      ...(ringRegister && { ringRegister }),
      ...(lane && { shareCounters: lane.shareCounters, useProofOnce: lane.useProofOnce }),
      master: master.key,
      log,
      connections: [...(await connectionsOf(configuration)), ...(options.moreConnections ?? [])],
      ...(mail && { mail }),
      clients: [...configuration.clients, ...(options.moreClients ?? [])],
      clientsAreComplete: options.clientsAreComplete ?? false,
      ...(configuration.clients_version !== undefined && { clientsVersion: configuration.clients_version }),
      isForCommands: options.isForCommands ?? false,
      ...(onRefresh && { onRefresh }),
      ...(options.addClaims && { addClaims: options.addClaims }),
      ...(observer && { observer }),
      config: {
        issuer,
        applicationName: configuration.application_name,
        ...pages,
        signUp: configuration.sign_up,
        passwords: configuration.passwords,
        invitationSeconds: configuration.invitation_days * 86_400,
        errorRedirects: configuration.error_redirects,
        scopeDescriptions: configuration.scope_descriptions,
        trustedProxies: configuration.trusted_proxies,
        apiLifetimes: configuration.apiLifetimes,
        opaqueApis: configuration.opaqueApis,
        sharedSecretApis: configuration.sharedSecretApis,
        apiClaims: configuration.apiClaims,
        claimsVersion: configuration.claims_version,
        registration: configuration.registration,
        keyPolicy: {
          ...keyPolicy,
          algorithms: configuration.signing_algorithms,
          rotationSeconds: Math.round(configuration.signing_key_days * 86_400) || rotationSeconds,
        },
        keepEndedSeconds: 7 * 86_400,
        ...(configuration.audit_keep_days !== undefined && {
          auditKeepSeconds: Math.round(configuration.audit_keep_days * 86_400),
        }),
        drainSeconds: configuration.drain_seconds,
        // On one data folder there is no other node that a load balancer could turn to.
        drainNoticeSeconds: configuration.drain_notice_seconds ?? (configuration.database === undefined ? 0 : 2),
      },
    })
    const close: System['close'] = async how => {
      await server.close(how)
      await ringRegister?.close()
      await lane?.close()
      await store.close()
    }
    return { server, store, issuer, clock, ...(lane && { valkeyIsThere: lane.isThere }), close }
  } catch (error) {
    await ringRegister?.close()
    await lane?.close()
    await store.close()
    throw error instanceof WrongMasterKey ? otherMasterKey(error, folder, master) : error
  }
}

/** A key that was made for this start and does not fit is taken away again: it was not what was wanted, and must not look as if. */
function otherMasterKey({ message }: WrongMasterKey, folder: string, { source, madeFile }: FoundMasterKey): Error {
  if (madeFile === undefined) return new WrongMasterKey(`${message} It was read from ${source}.`)
  rmSync(madeFile, { force: true })
  return missingMasterKey(folder)
}

/** Revocations go to the journal too, if there is one. */
async function journalled(store: Store, issuer: string, { configuration, master, log }: SystemOptions): Promise<Store> {
  const { revocation_journal: path } = configuration
  if (path === undefined) return store
  try {
    return await withJournal(store, { path, master: master.key, issuer, log })
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What speaks with providers is loaded where there are any: it would make every start slower, and every process larger. */
async function connectionsOf({ connections }: Configuration): Promise<readonly Connection[]> {
  if (connections.length === 0) return []
  const { createConnection } = await import('@countersign/connections')
  return connections.map(one => createConnection(one))
}

/** The mail server that is configured, if one is; connected to when there is something to send. */
async function mailOf(configuration: Configuration): Promise<MailTransport | undefined> {
  const { smtp_url: url, mail_from: address, application_name: name } = configuration
  return url === undefined || address === undefined ? undefined : openSmtp({ url, from: { name, address } })
}

function storeOptions(master: MasterKey): StoreOptions {
  return {
    clock: Date.now,
    seed: { incarnation: randomBytes(8).toString('hex') },
    sealPersonal: createPersonalSeal(master, pooledRandomBytes).seal,
  }
}
