import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port of loopback for a server that a test starts, now or later, and may start again. It is this process's until it ends: below those
 * that the system gives to outgoing connections, of which the tests make thousands, and kept from other tests that ask here, in
 * whatever process, also while its server is down. So are the nine after it, for a program that takes the next ones.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10 * randomInt(2_000, 3_200)
    // A name of Linux's that is no file: the system gives it to one process at a time, and takes it back when that ends.
    if ((await isFree(`\0countersign-test-port-${port}`, 'keep')) && (await isFree(port, 'leave'))) return port
  }
}

async function isFree(address: string | number, then: 'keep' | 'leave'): Promise<boolean> {
  const server = createServer().unref()
  const listening = once(server, 'listening')
  if (typeof address === 'number') server.listen(address, '127.0.0.1')
  else server.listen(address)
  try {
    await listening
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  if (then === 'leave') {
    server.close()
    await once(server, 'close')
  }
  return true
}
