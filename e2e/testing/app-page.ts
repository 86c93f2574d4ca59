import { bundleForBrowser } from '@countersign/app/testing/bundle'
import { type Listening, listen } from './listen.ts'

/** What the page's scripts can reach as `sdk`. */
const source = `
  export { createCountersign, indexedDbStorage } from '@countersign/app'
  export { localStorageStorage, sessionStorageStorage } from '@countersign/app/storage/web'
  export { checkTokenStorage } from './src/testing/storage-contract.ts'
`

/** A site whose every page is a small application with the SDK in it, started when the page is. */
export async function startAppSite(): Promise<Listening> {
  const { text } = await bundleForBrowser(source, { globalName: 'sdk' })
  return listen((request, response) => {
    const script = request.url === '/sdk.js'
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html')
    response.end(script ? text : '<!doctype html><title>App</title><script src="/sdk.js"></script>')
  })
}
