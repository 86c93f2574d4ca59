import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Reads a form and answers a fixed token answer: what the load generator reaches when the server does nothing. */
const answer = JSON.stringify({
  access_token: 'a'.repeat(700),
  token_type: 'Bearer',
  expires_in: 900,
  refresh_token: `cs_rt_${'r'.repeat(84)}`,
})

const server = createServer((request, response) => {
  request.on('data', () => {})
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}/token` })}\n`)
})
