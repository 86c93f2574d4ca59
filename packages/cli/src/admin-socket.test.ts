import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Admin } from '@countersign/server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { askRunningServer, listenForAdmin } from './admin-socket.ts'

let folder: string
let asked: string[]
let server: Awaited<ReturnType<typeof listenForAdmin>>

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  asked = []
  const admin = { deleteUser: async (who: string) => ({ id: asked.push(who) }) } as unknown as Admin
  server = await listenForAdmin(folder, admin, { info() {}, warn() {}, error() {} })
})

afterEach(async () => {
  server.close()
  await once(server, 'close')
  rmSync(folder, { recursive: true })
})

test.each(['AaIKtZwfn1EEykq9HhKxCQ/@example.com', 'a%2fb@example.com', 'keys retire/1'])(
  'an argument is one argument, whatever it holds: %s',
  async who => {
    expect((await askRunningServer(folder, 'users delete', who))?.status).toBe(200)
    expect(asked).toEqual([who])
  },
)

test.each(['', '%', '{', '[]', '{"command":"__proto__","argument":""}', '{"command":"users delete"}'])(
  'rubbish on the socket is answered 400, and the server goes on: %s',
  async body => {
    const outgoing = request({ socketPath: join(folder, 'admin.sock'), path: '/%', method: 'POST' })
    outgoing.end(body)
    const [answer] = await once(outgoing, 'response')
    expect(answer.statusCode).toBe(400)
    answer.resume()
    expect((await askRunningServer(folder, 'users delete', 'x'))?.status).toBe(200)
    expect(asked).toEqual(['x'])
  },
)
