import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Runs `body` with a folder of its own, deleted afterwards. */
export async function withFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-sqlite-'))
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A process of its own that runs a script of this folder. */
export interface Child {
  /** Its output, line by line; ends when it ends. */
  readonly lines: AsyncIterable<string>
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<void>
  readonly ended: Promise<number | null>
}

export function startChild(script: URL, parameters: string[], environment: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, ['--conditions=@countersign/source', fileURLToPath(script), ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
  const ended = new Promise<number | null>(done => child.once('close', done))
  return {
    lines: createInterface({ input: child.stdout }),
    ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
