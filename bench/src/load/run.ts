import { runScript } from '../harness/processes.ts'
import type { LoadResult, LoadTask } from './task.ts'

/** Runs the load in a process of its own, on the other core. Throws if any answer was an error: such figures mean nothing. */
export async function runLoad(task: LoadTask): Promise<LoadResult> {
  const result = await runScript<LoadResult>('load/main.ts', [JSON.stringify(task)], 'load')
  if (result.errors > 0) throw new Error(`${result.errors} answers were errors, the first: ${result.firstError}`)
  return result
}
