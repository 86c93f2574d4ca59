import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier } from '@countersign/verify'
import { protect } from '@countersign/verify/node'
import type { ApiTask } from './task.ts'

/* The API that is called: it checks what the call brings along, in the way of the path, and answers two bytes. */

const { issuer, audience, caller } = JSON.parse(process.argv[2] ?? '') as ApiTask

const handlers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
const server = createServer((request, response) => {
  const handler = handlers.get(request.url ?? '')
  if (handler === undefined) response.writeHead(404).end()
  else handler(request, response)
})
server.listen(0, '127.0.0.1', async () => {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answer = (_request: unknown, response: ServerResponse): void => void response.end('ok')
  const own = { issuer: caller.issuer, audience, types: ['JWT'] }
  const verifiers = {
    issued: createVerifier({ issuer, audience }),
    signed: createVerifier({ ...own, jwksUri: `${baseUrl}/jwks` }),
    shared: createVerifier({ ...own, secret: caller.secret }),
  }
  handlers.set('/jwks', (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: caller.publicKeys }))
  })
  handlers.set('/nothing', answer)
  for (const [name, verifier] of Object.entries(verifiers)) {
    handlers.set(`/${name}`, protect(verifier, { baseUrl }, answer))
  }
  await Promise.all(Object.values(verifiers).map(verifier => verifier.ready()))
  process.stdout.write(`${JSON.stringify({ port: Number(new URL(baseUrl).port) })}\n`)
})
