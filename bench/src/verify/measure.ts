import { setImmediate as turn } from 'node:timers/promises'
import { type Contender, type ContenderName, contenders, type Make } from './contenders.ts'
import type { IssuerFacts } from './issuer.ts'
import { mintTokens } from './mint.ts'

/** `cold`: every token is seen for the first time. `warm`: every token was seen before. */
export interface VerifyTask {
  readonly contender: ContenderName
  readonly mode: 'cold' | 'warm'
  readonly tokens: number
  readonly seconds: number
  readonly facts: IssuerFacts
}

export interface VerifyResult {
  /** Per second of processor time, all threads together: what else the machine does then matters less. */
  readonly perSecond: number
}

const task = JSON.parse(process.argv[2] ?? '') as VerifyTask

async function run(): Promise<VerifyResult> {
  const make: Make = contenders[task.contender]
  const remembered = task.mode === 'warm' ? task.tokens : 0
  const contender = await make({ facts: task.facts, remembered })
  // Tokens that are not counted: until the code is compiled and the heap as large as it will be.
  await pass(contender, mintTokens(task.facts, task.mode === 'cold' ? task.tokens : 2000))
  const tokens = mintTokens(task.facts, task.tokens)
  if (task.mode === 'warm') await pass(contender, tokens)
  const began = process.cpuUsage()
  let done = 0
  let used = 0
  do {
    await pass(contender, tokens)
    done += tokens.length
    const { user, system } = process.cpuUsage(began)
    used = (user + system) / 1e6
  } while (task.mode === 'warm' && used < task.seconds)
  return { perSecond: done / used }
}

/** Every token once, each as a string that no cache has seen as an object. */
async function pass({ verify, inFlight }: Contender, tokens: readonly Buffer[]): Promise<void> {
  let sinceTurn = performance.now()
  for (let n = 0; n < tokens.length; n += inFlight) {
    if (inFlight === 1) {
      const good = verify(tokens[n]?.toString('latin1') ?? '')
      if (!(good === true || (await good))) throw new Error('a good token was refused')
    } else {
      const some = tokens.slice(n, n + inFlight).map(token => verify(token.toString('latin1')))
      if (!(await Promise.all(some)).every(Boolean)) throw new Error('a good token was refused')
    }
    // What follows a feed has to hear its heartbeat.
    if (n % 1024 === 0 && performance.now() - sinceTurn > 50) {
      await turn()
      sinceTurn = performance.now()
    }
  }
}

process.stdout.write(`${JSON.stringify(await run())}\n`)
process.exit(0)
