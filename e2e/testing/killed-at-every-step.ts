import { call, callUnlessKilled } from './http-call.ts'
import { type Installation, type Running, type Surroundings, startServer } from './server-process.ts'

type Headers = Readonly<Record<string, string>>

/** What is done again and again while the server dies, and what must hold after each death. */
export interface Deed<Prepared> {
  readonly prepare: () => Promise<Prepared>
  /** Sends the one request, with these headers; true if it was answered, so that the caller may rely on it. */
  readonly act: (prepared: Prepared, headers: Headers) => Promise<boolean>
  /** Judged on the server that has started again. */
  readonly judge: (prepared: Prepared, acknowledged: boolean) => Promise<void>
  /** For the starts after each death, as for the first. */
  readonly surroundings?: Surroundings
}

/**
 * Does it once for every step that it takes, and kills the server (SIGKILL) at the first, the second … until one lives
 * through all of them. Returns the steps' names, and the server, which runs.
 */
export async function killedAtEveryStep<Prepared>(
  installed: Installation,
  first: Running,
  deed: Deed<Prepared>,
): Promise<{ steps: readonly string[]; server: Running }> {
  const steps: string[] = []
  let server = first
  for (;;) {
    const prepared = await deed.prepare()
    const acknowledged = await deed.act(prepared, { fault: `kill-at ${steps.length + 1}` })
    const lives =
      (await callUnlessKilled(`${installed.issuer}/health`, { headers: { fault: 'kill-at 0' } })) !== undefined
    if (lives) {
      if (!acknowledged) throw new Error('It lived, and did not answer.')
      await deed.judge(prepared, true)
      return { steps, server }
    }
    const { signal, stderr } = await server.ended
    const step = /killed (.*)\n$/.exec(stderr)?.[1]
    if (signal !== 'SIGKILL' || step === undefined) throw new Error(`It died of something else:\n${stderr}`)
    steps.push(step)
    server = await startServer(installed, { ...deed.surroundings, faults: true })
    try {
      await deed.judge(prepared, acknowledged)
    } catch (error) {
      throw new Error(`killed ${step} (step ${steps.length}): ${String(error)}`, { cause: error })
    }
  }
}

/** The feed as it stands (contract.md, Feed). */
export async function feedEntries(
  issuer: string,
  headers: Headers,
): Promise<readonly { kind: string; id: string; below?: number }[]> {
  const { json } = await call(`${issuer}/revocations`, { headers })
  return json.entries as { kind: string; id: string }[]
}
