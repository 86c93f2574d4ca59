import { createTokenHandler, type SessionStore, type TokenHandler, type WebPlatform } from '@countersign/backend/web'
import { bearerFromCookie, mount } from '@countersign/backend/web/node'
import { createVerifier } from '@countersign/verify'
import { claimsOf, protect } from '@countersign/verify/express'
import express from 'express'
import { person } from './app-install.ts'
import { createHostedBrowser, type HostedBrowser, throughHostedPages } from './hosted-browser.ts'
import type { Answer, Call } from './http-call.ts'
import { type Listening, listen } from './listen.ts'

const webSecret = 'secret-of-the-web-site-of-these-tests-000004'
const webApiSecret = 'secret-of-the-api-behind-the-web-site-00005'

/** The clients of a web site: its back end, and the API that it stands before. */
export function webClients(origin: string): readonly object[] {
  return [
    {
      id: 'site',
      first_party: true,
      secrets: [webSecret],
      scopes: ['openid', 'email', 'account', 'notes'],
      audiences: ['urn:notes'],
      redirect_uris: [`${origin}/auth/callback`],
      access_token_binding: 'bearer',
      backchannel_logout_uri: `${origin}/auth/backchannel-logout`,
    },
    { id: 'site-api', secrets: [webApiSecret], scopes: ['introspection', 'revocations'] },
  ]
}

/** An API that checks tokens and follows the feed, and says what it was sent. */
export async function startWebApi(issuer: string): Promise<Listening> {
  const revocations = { clientId: 'site-api', clientSecret: webApiSecret }
  const verifier = createVerifier({ issuer, audience: 'urn:notes', revocations })
  const app = express()
  app.use(express.text({ type: '*/*' }))
  app.all('/v2/*path', protect(verifier, { scope: 'notes' }), (request, response) => {
    response.set('Cache-Control', 'public, max-age=600').set('Set-Cookie', 'planted=1')
    const { method, url, headers, body } = request
    response.json({ sub: claimsOf(request).sub, method, url, cookie: headers.cookie, body })
  })
  const api = await listen(app)
  return {
    origin: api.origin,
    async close() {
      await verifier.close()
      await api.close()
    },
  }
}

/** One process of a web site: an Express application with the token handler, and an endpoint of its own. */
export interface WebSite {
  readonly handler: TokenHandler
  /** What the authorization server answered to it: the row of the refresh table, where it was a refresh. */
  readonly refreshes: (string | null)[]
  /** Moves this process's clock (milliseconds). */
  sleep(milliseconds: number): void
  /** Whether the authorization server can be reached. */
  cut: boolean
  readonly answer: express.Express
}

export interface WebSiteOptions {
  readonly issuer: string
  readonly api: string
  readonly origin: string
  readonly secrets?: readonly string[]
  readonly sessions?: SessionStore | undefined
}

const siteSecret = 'a secret of this web site that is at least 32 characters'

export function createWebSite(options: WebSiteOptions): WebSite {
  const { issuer, api, origin, secrets = [siteSecret], sessions } = options
  let slept = 0
  const site = { cut: false, refreshes: [] as (string | null)[] }
  const platform: Partial<WebPlatform> = {
    now: () => Date.now() + slept,
    async fetch(input, init) {
      const isToIssuer = String(input).startsWith(issuer)
      if (isToIssuer && site.cut) throw new TypeError('fetch failed')
      const response = await fetch(input, init)
      if (String(init?.body).startsWith('grant_type=refresh_token')) {
        site.refreshes.push(response.headers.get('countersign-refresh-row'))
      }
      return response
    },
  }
  const handler = createTokenHandler({
    issuer,
    clientId: 'site',
    clientSecret: webSecret,
    appUrl: origin,
    secrets,
    scope: 'openid email notes',
    proxies: { '/api': `${api}/v2` },
    ...(sessions && { sessions }),
    onFailure: () => {},
    platform,
  })
  const verifier = createVerifier({ issuer, audience: 'urn:notes' })
  const app = express()
  app.use(mount(handler))
  app.all('/own', bearerFromCookie(handler), protect(verifier, { scope: 'notes' }), (request, response) => {
    response.json({ sub: claimsOf(request).sub })
  })
  return Object.assign(site, {
    handler,
    answer: app,
    sleep(milliseconds: number) {
      slept += milliseconds
    },
  })
}

/** A person with a browser: one jar of cookies for the site, one for the authorization server. */
export interface Visitor {
  readonly site: HostedBrowser
  readonly server: HostedBrowser
  /** Signs in at the site through the server's pages; returns the answer to the way back. */
  signIn(returnTo?: string): Promise<Answer>
  /** As a page of the site calls: with Fetch metadata, Origin and the anti-forgery token. */
  call(path: string, what?: Call): Promise<Answer>
}

/** `server`: the jar of somebody who is signed in there already. */
export function createVisitor(
  origin: string,
  issuer: string,
  server: HostedBrowser = createHostedBrowser(issuer),
): Visitor {
  const site = createHostedBrowser(origin)
  return {
    site,
    server,
    async signIn(returnTo = '/') {
      const begun = await site.open(`/auth/login?return_to=${encodeURIComponent(returnTo)}`)
      const { back } = await throughHostedPages(server, new URL(String(begun.headers.location)), person)
      return site.open(back.pathname + back.search)
    },
    call(path, what = {}) {
      const token = site.cookies.get('XSRF-TOKEN')
      const headers = {
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'cors',
        origin,
        ...(token !== undefined && { 'x-xsrf-token': token }),
        ...what.headers,
      }
      return site.open(path, { ...what, headers })
    },
  }
}
