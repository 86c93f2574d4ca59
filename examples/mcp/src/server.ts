import { createVerifier } from '@countersign/verify'
import { claimsOf, protect } from '@countersign/verify/express'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { notesOf } from './notes-of.ts'

const { ISSUER = '', API_SECRET = '', ORIGIN = '', PORT } = process.env
const resource = `${ORIGIN}/mcp`

const verifier = createVerifier({
  issuer: ISSUER,
  audience: resource,
  revocations: { clientId: 'notes-mcp', clientSecret: API_SECRET },
})

const app = express()
// Before everything: it also answers where a client asks what this is and who gives tokens for it (RFC 9728).
app.use(protect(verifier, { scope: 'notes', baseUrl: ORIGIN, resource: { resource, name: 'Notes' } }))
app.post('/mcp', express.json(), async (request, response) => {
  const tools = notesOf(claimsOf(request).sub)
  const transport = new StreamableHTTPServerTransport()
  response.on('close', () => void tools.close())
  await tools.connect(transport)
  await transport.handleRequest(request, response, request.body)
})
// Every call stands for itself: there is no stream to listen to, and no MCP session to end.
app.all('/mcp', (_request, response) => void response.status(405).set('allow', 'POST').end())
app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
