import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bundleForBrowser } from '@countersign/app/testing/bundle'

/** What the page's scripts can reach as `sdk`. */
const source = `
  export { createCountersign, indexedDbStorage } from '@countersign/app'
  export { localStorageStorage, sessionStorageStorage } from '@countersign/app/storage/web'
  export { checkTokenStorage } from './src/testing/storage-contract.ts'
`

export interface AppSite {
  readonly origin: string
  close(): Promise<void>
}

/** A site whose every page is a small application with the SDK in it, started when the page is. */
export async function startAppSite(): Promise<AppSite> {
  const { text } = await bundleForBrowser(source, { globalName: 'sdk' })
  const server = createServer((request, response) => {
    const script = request.url === '/sdk.js'
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html')
    response.end(script ? text : '<!doctype html><title>App</title><script src="/sdk.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
