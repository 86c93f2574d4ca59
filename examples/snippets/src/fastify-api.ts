import { createVerifier } from '@countersign/verify'
import { claimsOf, protect } from '@countersign/verify/fastify'
import fastify from 'fastify'

const { ISSUER = '', API_URL = '', PORT } = process.env

const verifier = createVerifier({ issuer: ISSUER, audience: 'urn:notes' })

const app = fastify()
app.get('/notes', { onRequest: protect(verifier, { scope: 'notes:read', baseUrl: API_URL }) }, request => ({
  owner: claimsOf(request).sub,
  notes: [],
}))
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
console.log('ready')
