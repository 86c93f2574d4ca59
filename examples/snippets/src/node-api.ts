import { createServer } from 'node:http'
import { createVerifier } from '@countersign/verify'
import { protect } from '@countersign/verify/node'

const { ISSUER = '', API_URL = '', PORT } = process.env

const verifier = createVerifier({ issuer: ISSUER, audience: 'urn:notes' })

const policy = { scope: 'notes:read', maxAgeSeconds: 300, baseUrl: API_URL }
const notes = protect(verifier, policy, (_request, response, auth) => {
  response.end(JSON.stringify({ owner: auth.claims.sub, notes: [] }))
})
createServer(notes).listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
