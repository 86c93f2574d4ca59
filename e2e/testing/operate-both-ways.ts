import { type Ended, type Installation, operate, type Running, startServer } from './server-process.ts'

/** Runs one of the operator's commands on a server; afterwards a server runs. */
export type Operate = (installed: Installation, server: Running, ...command: string[]) => Promise<Ended>

/** A command does the same whether the server runs or not: it asks the one that runs, or opens the store itself. */
export const bothWays: readonly (readonly [string, Operate])[] = [
  ['on a running server', (installed, _server, ...command) => operate(installed, ...command)],
  [
    'on a stopped one',
    async (installed, server, ...command) => {
      await server.end('SIGTERM')
      const ended = await operate(installed, ...command)
      await startServer(installed)
      return ended
    },
  ],
]
