import { listenForAdmin } from './admin-socket.ts'
import type { Configuration } from './configuration.ts'
import { openDataFolder, readMasterKey } from './data-folder.ts'
import { createLog } from './log.ts'
import { openSystem, type System, type SystemOptions } from './open-system.ts'

/** A running node. */
export interface RunningSystem extends System {
  readonly address: string
}

/** Starts a node on its data folder: store, server, operator's socket. */
export async function serve(
  configuration: Configuration,
  more: Pick<SystemOptions, 'moreClients' | 'onRefresh'> & { masterKey?: string | undefined } = {},
): Promise<RunningSystem> {
  const folder = openDataFolder(configuration.data)
  const master = readMasterKey(folder, more.masterKey)
  const log = createLog(line => process.stderr.write(line), Date.now)
  const system = await openSystem({ configuration, folder, master, log, ...more })
  const address = await system.server.listen({ host: configuration.host, port: configuration.port })
  const socket = await listenForAdmin(folder, system.server.admin, log)
  const close = async (): Promise<void> => {
    socket.close()
    await system.close()
  }
  return { ...system, address, close }
}

/** ^C and SIGTERM: answer what was begun, then end. A second ^C ends at once. */
export function endOnSignal(close: () => Promise<void>): void {
  let ending = false
  const end = (): void => {
    if (ending) process.exit(130)
    ending = true
    process.stderr.write('\nEnding: answering what was begun …\n')
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
}
