import { allBreakages } from './breakages/all-breakages.ts'
import type { Breakage } from './breakages/breakage.ts'
import { type Command, readCommand, usage } from './command-line.ts'
import { clockOf, tellStory } from './history/story.ts'
import { generatePlan } from './plan/generate.ts'
import type { Plan } from './plan/plan.ts'
import { shrink } from './plan/shrink.ts'
import { type RunResult, run } from './run.ts'
import { addTo, createTally, type Tally } from './tally.ts'

const progressEverySeconds = 5
/** Seeds whose violation is shrunk and told; of further ones a line each. */
const toldAtMost = 3

process.exitCode = await main()

async function main(): Promise<number> {
  let command: Command
  let game: Game
  try {
    command = readCommand(process.argv.slice(2))
    game = gameOf(command)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`)
    return 2
  }
  switch (command.do) {
    case 'help':
      say(usage)
      return 0
    case 'replay':
      return replay(game, command)
    case 'seeds': {
      const { count } = command
      return play(
        game,
        command,
        tally => tally.seeds < count,
        tally => tally.seeds / count,
      )
    }
    case 'minutes': {
      const milliseconds = command.minutes * 60_000
      const started = performance.now()
      const spent = (): number => performance.now() - started
      return play(
        game,
        command,
        () => spent() < milliseconds,
        () => spent() / milliseconds,
      )
    }
  }
}

/** How a seed is played: the code as it is, or with one thing broken. */
interface Game {
  plan(seed: number): Plan
  run(plan: Plan): Promise<RunResult>
  /** What to add to the command to play the same again. */
  readonly flag: string
}

function gameOf({ breaks }: Command): Game {
  if (breaks === undefined) return { plan: generatePlan, run, flag: '' }
  const names = allBreakages.map(({ name }) => `  ${name}`).join('\n')
  const found: Breakage | undefined = allBreakages.find(({ name }) => name === breaks)
  if (found === undefined) throw new Error(`--break: one of these, not "${breaks}":\n${names}`)
  return {
    plan: seed => generatePlan(seed, found.focus),
    run: plan => run(plan, found),
    flag: ` --break ${JSON.stringify(breaks)}`,
  }
}

async function play(
  game: Game,
  { first, json }: { readonly first: number; readonly json: boolean },
  goesOn: (tally: Tally) => boolean,
  progress: (tally: Tally) => number,
): Promise<number> {
  const tally = createTally()
  const started = performance.now()
  let saidAt = started
  let failed = 0
  for (let seed = first; goesOn(tally); seed++) {
    const result = await game.run(game.plan(seed))
    addTo(tally, result)
    if (result.violations.length > 0 && ++failed <= toldAtMost) await sayShrunk(game, result)
    else if (result.violations.length > 0) sayBroken(result)
    if (performance.now() - saidAt < progressEverySeconds * 1000) continue
    saidAt = performance.now()
    say(`${(100 * progress(tally)).toFixed(0).padStart(3)} %  ${summary(tally)}; ${residentMegabytes()} MB`)
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  say(`${summary(tally)}\n${seconds} s, ${residentMegabytes()} MB`)
  say(
    `faults: ${Object.entries(tally.faults)
      .map(([name, hits]) => `${name} ${hits}`)
      .join(', ')}`,
  )
  if (json) sayJson(tally)
  return tally.violations > 0 ? 1 : 0
}

function sayJson({ seeds, events, violations, rows, faults }: Tally): void {
  say(JSON.stringify({ seeds, events, violations, rows, faults }))
}

function residentMegabytes(): number {
  return Math.round(process.memoryUsage().rss / 1_048_576)
}

function summary({ seeds, events, violations, rows, faults }: Tally): string {
  const injected = Object.values(faults).reduce((sum, hits) => sum + hits, 0)
  const coverage = Object.entries(rows).map(([row, hits]) => `${row}:${hits}`)
  return `${seeds} seeds, ${events} events, ${injected} faults, ${violations} violations; rows ${coverage.join(' ')}`
}

async function replay(game: Game, { seed, json }: { readonly seed: number; readonly json: boolean }): Promise<number> {
  const result = await game.run(game.plan(seed))
  const { violations } = result
  const tally = createTally()
  addTo(tally, result)
  say(`This is ${castOf(result)}`)
  say(tellStory(result.world.history.events).join('\n'))
  for (const { time, rule, text } of violations) say(`\nBROKEN at ${clockOf(time)}: ${rule}\n  ${text}`)
  if (violations.length > 0) await sayShrunk(game, result)
  else say('\nNo promise was broken.')
  if (json) sayJson(tally)
  return violations.length > 0 ? 1 : 0
}

/** The violation, by the smallest plan that still shows it. */
async function sayShrunk(game: Game, result: RunResult): Promise<void> {
  const rule = result.violations[0]?.rule
  const breaksIt = ({ violations }: RunResult): boolean => violations.some(one => one.rule === rule)
  const smallest = await shrink(result.plan, async plan => breaksIt(await game.run(plan)))
  sayViolation(await game.run(smallest), game.flag)
}

function sayViolation(result: RunResult, flag: string): void {
  const { plan, violations, world } = result
  const [first] = violations
  if (first === undefined) return
  sayBroken(result)
  say(`\nThe shortest way there, with ${castOf(result)}`)
  say(
    tellStory(
      world.history.events.filter(({ time }) => time <= first.time),
      first.familyId,
    ).join('\n'),
  )
  say(`\nReplay: npm run simulate -- --seed ${plan.seed}${flag}\n`)
}

function sayBroken({ plan, violations: [first] }: RunResult): void {
  if (first) say(`\nSeed ${plan.seed} breaks a promise at ${clockOf(first.time)}: ${first.rule}\n  ${first.text}`)
}

function castOf({ plan }: RunResult): string {
  const { nodes, apis } = plan
  const devices = plan.devices.map(
    ({ name, user, bound, tabs, shared }) =>
      `${name} of ${user} (SDK, ${bound ? 'bound' : 'unbound'}, ${tabs} ${tabs > 1 ? (shared ? 'tabs with one storage' : 'tabs each for itself') : 'tab'})`,
  )
  const plains = plan.plains.map(({ name, user, clientId }) => `${name} of ${user} (client "${clientId}", unbound)`)
  const cast = [counted(nodes, 'node'), ...(apis > 0 ? [counted(apis, 'API')] : []), ...devices, ...plains]
  return `seed ${plan.seed}: ${cast.join(', ')}\n`
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number > 1 ? 's' : ''}`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
