import { createVerifier } from '@countersign/verify'
import { authOf, claimsOf, protect } from '@countersign/verify/express'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import type { NotesStore } from './notes-store.ts'

export interface ApiOptions {
  readonly issuer: string
  readonly audience: string
  /** With these the API follows what is revoked: a session that ends is refused here within milliseconds. */
  readonly clientId: string
  readonly clientSecret: string
  readonly appOrigin: string
  readonly notes: NotesStore
}

/** The example API. Tokens are checked here, without a call to the issuer, unless a route asks for one. */
export function createApi({ issuer, audience, clientId, clientSecret, appOrigin, notes }: ApiOptions): Api {
  const verifier = createVerifier({ issuer, audience, revocations: { clientId, clientSecret } })
  const app = express().disable('x-powered-by').disable('etag')
  app.use(allowOrigin(appOrigin))

  app.get('/', (_request, response) => {
    response.json({ name: 'Example API', routes: ['GET /greeting', 'GET /notes', 'POST /notes', 'DELETE /notes'] })
  })

  app.get('/greeting', protect(verifier, { optional: true }), (request, response) => {
    response.json({ text: authOf(request) ? 'Good to see you again.' : 'Hello, stranger.' })
  })

  app.get('/notes', protect(verifier, { scope: 'notes:read' }), (request, response) => {
    response.json({ notes: notes.list(claimsOf(request).sub) })
  })

  app.post('/notes', protect(verifier, { scope: 'notes:write' }), express.json(), (request, response) => {
    const text = (request.body as { text?: unknown } | undefined)?.text
    if (typeof text !== 'string' || text.trim() === '' || text.length > 500) {
      response.status(400).json({ error: 'invalid_request', error_description: 'A note has 1 to 500 characters.' })
      return
    }
    response.status(201).json(notes.add(claimsOf(request).sub, text.trim()))
  })

  // What cannot be undone asks the issuer as well: there a token that was forged with a leaked signing key is found out.
  app.delete('/notes', protect(verifier, { scope: 'notes:write', introspect: true }), (request, response) => {
    response.json({ deleted: notes.clear(claimsOf(request).sub) })
  })

  app.use((_request, response) => {
    response.status(404).json({ error: 'not_found', error_description: 'There is nothing here.' })
  })
  app.use(answerErrors)

  return { app, ready: verifier.ready, close: verifier.close }
}

export interface Api {
  readonly app: Express
  /** Resolves once the keys and the revocations are known. */
  ready(): Promise<boolean>
  close(): void
}

/** CORS for one origin: the app's. */
function allowOrigin(origin: string): RequestHandler {
  return (request, response, next) => {
    response.set({ 'Access-Control-Allow-Origin': origin, Vary: 'Origin' })
    if (request.method !== 'OPTIONS') return next()
    response.set({
      'Access-Control-Allow-Methods': 'GET, POST, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, DPoP',
      'Access-Control-Max-Age': '600',
    })
    response.status(204).end()
  }
}

/** A body that cannot be read is the caller's fault; of anything else, the world learns nothing but to come back. */
const answerErrors: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error)
  const status = Number((error as { status?: unknown }).status)
  if (status >= 400 && status < 500) {
    response.status(status).json({ error: 'invalid_request', error_description: 'The body could not be read.' })
    return
  }
  console.error('The example API has failed:', error)
  response.status(503).set('Retry-After', '1').json({ error: 'temporarily_unavailable' })
}
