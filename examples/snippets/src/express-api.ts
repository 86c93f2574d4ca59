import { createVerifier } from '@countersign/verify'
import { claimsOf, protect } from '@countersign/verify/express'
import cors from 'cors'
import express from 'express'

const { ISSUER = '', API_SECRET = '', API_URL = '', APP_ORIGIN = '', PORT } = process.env

const verifier = createVerifier({
  issuer: ISSUER,
  audience: 'urn:notes',
  revocations: { clientId: 'notes-api', clientSecret: API_SECRET },
})

const app = express()
app.use(cors({ origin: [APP_ORIGIN] }))
app.get('/notes', protect(verifier, { scope: 'notes:read', baseUrl: API_URL }), (request, response) => {
  response.json({ owner: claimsOf(request).sub, notes: [] })
})
app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
