import { parentPort, workerData } from 'node:worker_threads'
import { committer } from './designs.ts'
import { checkpointFrames, openWriter, type Write, type WriterReply } from './schema.ts'

const { path, when } = workerData as { path: string; when: 'always' | 'when durable' }
const port = parentPort
if (!port) throw new Error('to be started as a worker')
const commit = committer(openWriter(path, 'FULL', checkpointFrames), when)

let pending: Write[] = []
let batchesPending = 0
port.on('message', (writes: Write[]) => {
  pending.push(...writes)
  if (++batchesPending > 1) return
  // Whatever has been posted meanwhile is read before the immediate runs: one transaction for all of it.
  setImmediate(() => {
    commit(pending)
    const reply: WriterReply = { committed: batchesPending }
    pending = []
    batchesPending = 0
    port.postMessage(reply)
  })
})
port.postMessage('ready')
