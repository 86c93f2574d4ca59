import { Worker } from 'node:worker_threads'
import type { BcryptRequest } from './bcrypt-worker.ts'

/**
 * bcrypt beside the main thread: Node has none, and a second of JavaScript would hold up everybody. A thread is started when the first hash is to be judged (who has
 * imported none never needs one), and goes on.
 */
export interface BcryptThreads {
  /** The 31 characters of the hash. As many run at once as are asked for: who asks bounds them. */
  derive(request: BcryptRequest): Promise<string>
  close(): Promise<void>
}

export function createBcryptThreads(): BcryptThreads {
  // The built file ends otherwise than the source.
  const script = new URL(`./bcrypt-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
  const threads = new Set<Worker>()
  const idle: Worker[] = []
  const causes = new WeakMap<Worker, unknown>()

  function start(): Worker {
    const worker = new Worker(script, { stdout: false, stderr: false })
    threads.add(worker)
    worker.on('error', cause => causes.set(worker, cause))
    worker.once('exit', () => {
      threads.delete(worker)
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1)
    })
    return worker
  }

  return {
    derive(request) {
      const worker = idle.pop() ?? start()
      worker.ref()
      return new Promise((resolve, reject) => {
        const fail = (): void =>
          reject(new Error('the thread that judges bcrypt hashes has ended', { cause: causes.get(worker) }))
        worker.once('exit', fail)
        worker.once('message', (tag: string) => {
          worker.off('exit', fail)
          // A node that has nothing else to do may end.
          worker.unref()
          idle.push(worker)
          resolve(tag)
        })
        worker.postMessage(request)
      })
    },
    async close() {
      await Promise.all([...threads].map(worker => worker.terminate()))
    },
  }
}
