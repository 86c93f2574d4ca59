import express from 'express'
import { expressjwt, type Request } from 'express-jwt'
import { expressJwtSecret, type GetVerificationKey } from 'jwks-rsa'
import { type Listening, listen } from './listen.ts'

/** An API as the documentation of `express-jwt` and `jwks-rsa` has it: it knows the issuer, and nothing of Countersign. */
export function startNotesApi(issuer: string): Promise<Listening> {
  const app = express()
  app.get(
    '/notes',
    expressjwt({
      secret: expressJwtSecret({ jwksUri: `${issuer}/jwks`, cache: true, rateLimit: true }) as GetVerificationKey,
      audience: 'urn:notes',
      issuer,
      algorithms: ['ES256'],
    }),
    (request: Request, response) => {
      response.json({ sub: request.auth?.sub, scope: request.auth?.scope })
    },
  )
  app.use((error: Error, _request: Request, response: express.Response, _next: express.NextFunction) => {
    response.status(error.name === 'UnauthorizedError' ? 401 : 500).json({ error: error.message })
  })
  return listen(app)
}
