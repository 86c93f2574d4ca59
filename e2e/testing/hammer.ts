import { type Install, logIn, refresh } from './app-install.ts'
import { createProofKey } from './proof-key.ts'

/** Apps that refresh as fast as they are answered. */
export interface Hammer {
  readonly installs: readonly Install[]
  /** Resolves when so many further refreshes were answered with tokens. */
  more(refreshes: number): Promise<void>
  /** Resolves when so many further ones got no answer. */
  lost(refreshes: number): Promise<void>
  /** Lets everybody finish. Returns the refusals, which should not be. */
  stop(): Promise<string[]>
}

export interface Hammering {
  readonly unbound: number
  readonly bound: number
  /** Milliseconds for which an app waits for an answer before it comes again. */
  readonly patience: number
}

/** Logs so many apps in, and lets them refresh with what they hold until they are stopped: lost answers are asked for again. */
export async function startHammer(issuer: string, { unbound, bound, patience }: Hammering): Promise<Hammer> {
  const installs: Install[] = []
  for (let number = 0; number < unbound; number++) installs.push(await logIn(issuer))
  for (let number = 0; number < bound; number++) installs.push(await logIn(issuer, { key: createProofKey() }))
  let stopped = false
  const [answered, lost] = [createCounter(), createCounter()]

  async function goOn(install: Install): Promise<string[]> {
    const refusals: string[] = []
    while (!stopped) {
      const answer = await refresh(issuer, install, {}, patience).catch(() => undefined)
      if (answer?.status === 200) answered.add()
      else if (answer === undefined) lost.add()
      else if (answer.status !== 503 && !isAskedAgain(answer.json.error)) refusals.push(answer.text)
      // A closed door says so at once: others must have their turn.
      if (answer?.status !== 200) await new Promise(resolve => setImmediate(resolve))
    }
    return refusals
  }

  const running = installs.map(goOn)
  return {
    installs,
    more: answered.more,
    lost: lost.more,
    async stop() {
      stopped = true
      return (await Promise.all(running)).flat()
    },
  }
}

/** A proof that came twice, or too late: the next one is better. */
function isAskedAgain(error: unknown): boolean {
  return error === 'use_dpop_nonce' || error === 'invalid_dpop_proof'
}

interface Counter {
  add(): void
  /** Resolves when so many have been added from now on. */
  more(count: number): Promise<void>
}

function createCounter(): Counter {
  let total = 0
  const waiting = new Set<{ readonly at: number; readonly resolve: () => void }>()
  return {
    add() {
      total++
      for (const one of waiting) {
        if (total < one.at) continue
        waiting.delete(one)
        one.resolve()
      }
    },
    more: count => new Promise(resolve => waiting.add({ at: total + count, resolve })),
  }
}
