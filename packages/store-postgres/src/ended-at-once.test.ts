import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { openDatabase } from './database.ts'

/** A message as PostgreSQL sends it: its kind, its length, what it says. */
function message(kind: string, text: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}

const letsIn = message('R', Buffer.alloc(4))
const ready = message('Z', Buffer.from('I'))
const ends = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'))

test('a connection that is ended in the moment in which it is made fails the statement, and ends no process', async () => {
  // In one piece: the driver reads the end before anybody has been told of the connection.
  const server = createServer(socket => {
    socket.on('error', () => {}).once('data', () => socket.end(Buffer.concat([letsIn, ready, ends])))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `postgres://someone@127.0.0.1:${(server.address() as AddressInfo).port}/none`
  const database = openDatabase({ url, connections: 1, namedStatements: true, patienceMs: 5_000 })
  const asked = database.query({ name: 'one', text: 'SELECT 1' }, [])
  await expect(asked).rejects.toMatchObject({ name: 'StoreUnavailable' })
  await database.close()
  server.close()
})
