import { createVerifier } from '@countersign/verify'
import { claimsOf, protect } from '@countersign/verify/express'
import express from 'express'

const { ISSUER = '', API_SECRET = '', PORT } = process.env

const verifier = createVerifier({
  issuer: ISSUER,
  audience: 'urn:notes',
  revocations: { clientId: 'notes-api', clientSecret: API_SECRET },
})

const app = express()
app.get('/notes', protect(verifier, { scope: 'notes:read' }), (request, response) => {
  response.json({ owner: claimsOf(request).sub, notes: [] })
})
app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
