import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { type CallbackSite, startCallbackSite } from './callback-site.ts'
import { launchBrowser } from './real-browser.ts'
import { givenInstallation, type Installation, startServer } from './server-process.ts'

/** Orchard, an application of somebody else, at a server of its own, and a real browser that comes from it. */
export interface Orchard {
  readonly site: CallbackSite
  readonly installed: Installation
  /** What the browser has kept from running or going, by the pages' own policy. */
  readonly blocked: readonly string[]
  /** A page in a context of its own, at the application's authorization request. */
  arrive(options: BrowserContextOptions, parameters?: Readonly<Record<string, string>>): Promise<Page>
  /** Closes the pages that came. */
  leave(): Promise<void>
  close(): Promise<void>
}

export async function startOrchard(configuration: Readonly<Record<string, unknown>> = {}): Promise<Orchard> {
  const site = await startCallbackSite()
  const installed = await givenInstallation({
    sign_up: 'open',
    scope_descriptions: { notes: 'Read and write your notes' },
    clients: [
      {
        id: 'orchard',
        name: 'Orchard',
        secrets: ['orchard-secret-of-at-least-32-characters'],
        pkce: 'optional',
        redirect_uris: [`${site.origin}/callback`],
        scopes: ['openid', 'notes'],
      },
    ],
    ...configuration,
  })
  await startServer(installed)
  const browser: Browser = await launchBrowser()
  const blocked: string[] = []
  return {
    site,
    installed,
    blocked,
    async arrive(options, parameters = {}) {
      const context = await browser.newContext(options)
      const page = await context.newPage()
      page.on('console', message => {
        if (/Content Security Policy|Trusted ?Type/i.test(message.text())) blocked.push(message.text())
      })
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: 'orchard',
        redirect_uri: `${site.origin}/callback`,
        scope: 'openid notes',
        ...parameters,
      })
      await page.goto(`${installed.issuer}/authorize?${query}`)
      return page
    },
    async leave() {
      await Promise.all(browser.contexts().map(context => context.close()))
    },
    async close() {
      await browser.close()
      installed.remove()
      await site.close()
    },
  }
}
