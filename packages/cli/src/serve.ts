import { type Log, refuseWithoutWayIn } from '@countersign/server'
import { listenForAdmin } from './admin-socket.ts'
import type { Configuration } from './configuration.ts'
import { openDataFolder } from './data-folder.ts'
import { createLog } from './log.ts'
import { type FoundMasterKey, readMasterKey } from './master-key.ts'
import type { NodeMetrics } from './metrics/node-metrics.ts'
import { openSystem, type System, type SystemOptions } from './open-system.ts'

/** A running node. */
export interface RunningSystem extends System {
  readonly address: string
  /** Where metrics are, if they are on. */
  readonly metricsAddress: string | undefined
}

/** Starts a node on its data folder: store, server, operator's socket. */
export async function serve(
  configuration: Configuration,
  more: Pick<SystemOptions, 'moreClients' | 'moreConnections' | 'mail' | 'addClaims' | 'onRefresh' | 'onLost'> & {
    /** What `COUNTERSIGN_MASTER_KEY` holds, or a key that was read already. */
    masterKey?: string | FoundMasterKey | undefined
    /** Default: one JSON object a line, to standard error. */
    log?: Log
  } = {},
): Promise<RunningSystem> {
  // Before anything is made, migrated or switched off: nothing would start.
  refuseWithoutWayIn(configuration, [...configuration.connections, ...(more.moreConnections ?? [])])
  const folder = openDataFolder(configuration.data)
  const { masterKey } = more
  const master =
    typeof masterKey === 'object'
      ? masterKey
      : readMasterKey(folder, { environment: masterKey, command: configuration.master_key_command })
  const log = more.log ?? createLog(line => process.stderr.write(line), Date.now)
  const metrics = await openMetrics(configuration)
  const system = await openSystem({
    ...more,
    configuration,
    folder,
    master,
    log,
    clientsAreComplete: true,
    ...(metrics && { observer: metrics.observer }),
  })
  try {
    const address = await system.server.listen({ host: configuration.host, port: configuration.port })
    // On a database the operator's commands need no running server, and a folder may be that of several.
    const socket =
      configuration.database === undefined ? await listenForAdmin(folder, system.server.admin, log) : undefined
    const scraped = await metrics?.listen(system.server.services, system)
    const close: System['close'] = async how => {
      socket?.close()
      await system.close(how)
      // Last of all: how a node drains can be watched.
      await scraped?.close()
    }
    return { ...system, address, metricsAddress: scraped?.address, close }
  } catch (error) {
    await system.close()
    throw error
  }
}

/** Loaded only where it is wanted: a start without metrics is quicker. */
async function openMetrics({ metrics_port: port }: Configuration): Promise<NodeMetrics | undefined> {
  if (port === undefined) return undefined
  const { createNodeMetrics } = await import('./metrics/node-metrics.ts')
  return createNodeMetrics(port)
}

/** npm hands ^C on to what it has started, although the terminal has told it already: one press arrives twice. */
const samePressMs = 500

/** ^C and SIGTERM: answer what was begun, then end. SIGTERM comes from a supervisor: load balancers are told before. Pressed again, it ends at once. */
export function endOnSignal(close: System['close']): void {
  let endingSince: number | undefined
  const end = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    if (endingSince !== undefined) {
      if (now - endingSince > samePressMs) process.exit(130)
      return
    }
    endingSince = now
    process.stderr.write('\nEnding: answering what was begun …\n')
    close({ announced: signal === 'SIGTERM' }).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
}

/** The disk has failed: nothing more can be promised here. */
export function endOnLoss(failure: Error): void {
  process.stderr.write(`countersign: ${failure.message}. Ending: a restart reads what is really there.\n`)
  process.exit(1)
}
