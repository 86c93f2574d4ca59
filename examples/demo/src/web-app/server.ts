import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { createTokenHandler, type SessionStore } from '@countersign/backend/web'
import { mount } from '@countersign/backend/web/node'
import express, { type Express } from 'express'

export interface WebAppOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** The app's own origin. */
  readonly appUrl: string
  readonly apiUrl: string
  /** For its cookies; of at least 32 characters, the same in every process and after every start. */
  readonly cookieSecret: string
  readonly sessions: SessionStore
  /** What a sign-out ends: the app's login, or the browser's session at the server too. */
  readonly logout: 'app' | 'issuer'
}

/**
 * The same notes as in the single-page app, by a web app: its back end holds the tokens, the browser has a cookie. What is under `/auth` and `/api` is the token handler's,
 * all else is a page.
 */
export function createWebApp(options: WebAppOptions): Express {
  const { issuer, clientId, clientSecret, appUrl, apiUrl, cookieSecret, sessions, logout } = options
  const tokenHandler = createTokenHandler({
    issuer,
    clientId,
    clientSecret,
    appUrl,
    secrets: [cookieSecret],
    scope: 'openid email profile notes:read notes:write',
    proxies: { '/api': apiUrl },
    sessions,
    logout,
  })
  const app = express().disable('x-powered-by').disable('etag')
  app.use(sendHome(appUrl))
  app.use(mount(tokenHandler))
  for (const [path, { type, text }] of Object.entries(files())) {
    app.get(path, (_request, response) => {
      response.set({
        'Content-Security-Policy': policy,
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
      })
      response.type(type).send(text)
    })
  }
  app.use((_request, response) => void response.status(404).type('text').send('There is nothing here.'))
  return app
}

/** Nothing runs that is not ours, nothing is sent anywhere but here, and no other page shows this one. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** One origin: under another name of this machine (localhost) the cookie would be another. */
function sendHome(appUrl: string): express.RequestHandler {
  return (request, response, next) => {
    if (request.headers.host === new URL(appUrl).host) return next()
    response.redirect(307, appUrl + request.originalUrl)
  }
}

function files(): Readonly<Record<string, { type: string; text: string }>> {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
  return {
    '/': { type: 'html', text: read('index.html') },
    '/main.js': { type: 'js', text: stripTypeScriptTypes(read('page.ts')) },
    '/style.css': { type: 'css', text: read('../app/style.css') },
    '/icon.svg': { type: 'svg', text: read('../app/icon.svg') },
  }
}
