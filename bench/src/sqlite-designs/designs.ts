import { type FileHandle, open } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { CheckpointReply, CheckpointRequest } from './checkpoint-worker.ts'
import { checkpointFrames, openWriter, type Write, type Writer, type WriterReply } from './schema.ts'

/** Resolves when the write may be answered: a rotation when it is committed, a login when it is on the disk. */
export interface Design {
  readonly write: (write: Write) => Promise<void>
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly write: Write
  readonly answer: () => void
}

export const designs: Readonly<Record<string, { text: string; open: (path: string) => Promise<Design> }>> = {
  a: { text: 'same thread, FULL', open: async path => sameThread(path, 'always') },
  a2: { text: 'same thread, FULL only for batches with a login', open: async path => sameThread(path, 'when durable') },
  b: { text: 'worker thread, FULL', open: path => workerThread(path, 'always') },
  b2: { text: 'worker thread, FULL only for batches with a login', open: path => workerThread(path, 'when durable') },
  c: {
    text: 'same thread, NORMAL, fdatasync in the pool, passive checkpoints elsewhere',
    open: path => syncApart(path, false),
  },
  c2: {
    text: 'as c, and writes are held while a checkpoint is completed',
    open: path => syncApart(path, true),
  },
}

/** Answers logins that may yet be lost. Not a design: the power-loss check has to find it out. */
export async function unsafeDesign(path: string): Promise<Design> {
  const writer = openWriter(path, 'NORMAL', checkpointFrames)
  const write = batches(batch => {
    writer.commit(batch.map(waiting => waiting.write))
    for (const waiting of batch) waiting.answer()
  })
  return { write, close: async () => writer.database.close() }
}

/** Commits `batch`, paying for the disk only if `when` says so. Changing the pragma between transactions takes effect at the next one. */
export function committer(writer: Writer, when: 'always' | 'when durable'): (writes: readonly Write[]) => void {
  let full = true
  return writes => {
    const wanted = when === 'always' || writes.some(write => write.kind === 'login')
    if (wanted !== full) {
      full = wanted
      writer.database.exec(`PRAGMA synchronous = ${full ? 'FULL' : 'NORMAL'}`)
    }
    writer.commit(writes)
  }
}

/** What arrives in one turn of the event loop is one batch. */
function batches(flush: (batch: Waiting[]) => void): (write: Write) => Promise<void> {
  let batch: Waiting[] = []
  return write =>
    new Promise(answer => {
      if (batch.push({ write, answer }) > 1) return
      setImmediate(() => {
        const full = batch
        batch = []
        flush(full)
      })
    })
}

function sameThread(path: string, when: 'always' | 'when durable'): Design {
  const writer = openWriter(path, 'FULL', checkpointFrames)
  const commit = committer(writer, when)
  const write = batches(batch => {
    commit(batch.map(waiting => waiting.write))
    for (const waiting of batch) waiting.answer()
  })
  return { write, close: async () => writer.database.close() }
}

async function workerThread(path: string, when: 'always' | 'when durable'): Promise<Design> {
  const worker = new Worker(new URL('./writer-worker.ts', import.meta.url), { workerData: { path, when } })
  await new Promise(ready => worker.once('message', ready))
  const sent: Waiting[][] = []
  worker.on('message', ({ committed }: WriterReply) => {
    for (let n = 0; n < committed; n++) for (const waiting of sent.shift() ?? []) waiting.answer()
  })
  const write = batches(batch => {
    sent.push(batch)
    worker.postMessage(batch.map(waiting => waiting.write))
  })
  return { write, close: async () => void (await worker.terminate()) }
}

async function syncApart(path: string, completes: boolean): Promise<Design> {
  const writer = openWriter(path, 'NORMAL', 0)
  // The log exists from the first write on. One descriptor for good: its error state is then never lost between two calls.
  writer.commit([{ kind: 'rotation', family: 1 }])
  const log = await open(`${path}-wal`, 'r+')
  const release = syncedAnswers(log)
  const checkpoints = await checkpointer(path, writer.database, completes)
  const held: Waiting[] = []
  const commit = (batch: Waiting[]): void => {
    if (batch.length === 0) return
    writer.commit(batch.map(waiting => waiting.write))
    for (const waiting of batch) waiting.write.kind === 'rotation' ? waiting.answer() : release(waiting.answer)
    checkpoints.afterCommit(batch.length)
  }
  checkpoints.onResume(() => commit(held.splice(0)))
  const write = batches(batch => {
    if (checkpoints.holds()) held.push(...batch)
    else commit(batch)
  })
  return {
    write,
    close: async () => {
      await checkpoints.close()
      await log.close()
      writer.database.close()
    },
  }
}

/** One sync at a time; whatever is committed while it runs waits for the next one, which covers all of it. */
function syncedAnswers(log: FileHandle): (answer: () => void) => void {
  let waiting: (() => void)[] = []
  let running = false
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const covered = waiting
      waiting = []
      await log.datasync()
      for (const answer of covered) answer()
    }
    running = false
  }
  return answer => {
    waiting.push(answer)
    if (running) return
    running = true
    // In a microtask: a sync begun at the first login of a commit would make all its others wait for the next one.
    queueMicrotask(() => void run())
  }
}

interface Checkpointer {
  readonly afterCommit: (writes: number) => void
  readonly holds: () => boolean
  readonly onResume: (resume: () => void) => void
  readonly close: () => Promise<void>
}

/**
 * A passive checkpoint copies what is in the log when it begins. Under constant writing something new is always
 * there when it ends, so the log is never begun anew, and grows. To complete it, writes are held for the short rest.
 */
async function checkpointer(path: string, database: DatabaseSync, completes: boolean): Promise<Checkpointer> {
  const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { workerData: { path } })
  await new Promise(ready => worker.once('message', ready))
  const frames = database.prepare('PRAGMA wal_checkpoint(NOOP)')
  let state: 'idle' | 'copying' | 'completing' = 'idle'
  let sinceLook = 0
  let copiedAt = 0
  let resume = (): void => {}
  const ask = (request: CheckpointRequest): void => worker.postMessage(request)
  worker.on('message', ({ log }: CheckpointReply) => {
    copiedAt = log
    if (state === 'copying' && completes) {
      state = 'completing'
      ask('complete')
      return
    }
    const wasHeld = state === 'completing'
    if (wasHeld) copiedAt = 0
    state = 'idle'
    if (wasHeld) resume()
  })
  return {
    afterCommit(writes) {
      sinceLook += writes
      if (sinceLook < 512 || state !== 'idle') return
      sinceLook = 0
      const { log } = frames.get() as { log: number }
      if (log < copiedAt) copiedAt = 0
      if (log - copiedAt < checkpointFrames) return
      state = 'copying'
      ask('passive')
    },
    holds: () => state === 'completing',
    onResume: callback => {
      resume = callback
    },
    close: async () => void (await worker.terminate()),
  }
}
