import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { createHttpServer } from './fastify-server.ts'

const open: { app: FastifyInstance; socket: Socket }[] = []

afterEach(async () => {
  for (const { app, socket } of open.splice(0)) {
    socket.destroy()
    await app.close()
  }
})

/** A server with one stream, whose reader may take nothing of it for a moment at most, and somebody who has asked for it. */
async function streaming(): Promise<{ app: FastifyInstance; body: Readable; socket: Socket; isSilent: Promise<void> }> {
  const body = new Readable({ read() {} })
  body.on('error', () => {})
  const app = createHttpServer([{ path: '/stream', get: async () => ({ status: 200, headers: {}, body }) }], {
    trustedProxies: [],
    isClientOrigin: async () => false,
    log: { info() {}, warn() {}, error() {} },
    strictTransport: false,
    notFoundPage: () => ({ status: 404, headers: {} }),
    isDraining: () => false,
    untakenSeconds: 0.05,
  })
  const isSilent = new Promise<void>(over => {
    app.addHook('onSend', (_request, reply, _payload, done) => {
      reply.raw.once('timeout', over)
      done()
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  open.push({ app, socket })
  return { app, body, socket, isSilent }
}

test('who takes nothing of what waits is let go', async () => {
  const { body, socket } = await streaming()
  socket.pause()
  const closed = once(body, 'close')
  // More than the sockets between the two hold.
  body.push(Buffer.alloc(64 * 2 ** 20))
  await closed
  expect(body.destroyed).toBe(true)
})

test('a stream that has nothing to say is not ended for it', async () => {
  const { body, socket, isSilent } = await streaming()
  let text = ''
  const says = (word: string): Promise<void> =>
    new Promise(heard => {
      socket.on('data', chunk => {
        text += String(chunk)
        if (text.includes(word)) heard()
      })
    })
  const first = says('first')
  body.push('first')
  await first
  await isSilent
  const second = says('second')
  body.push('second')
  await second
  expect(body.destroyed).toBe(false)
})
