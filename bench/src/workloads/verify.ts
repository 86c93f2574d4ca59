import { runScript } from '../harness/processes.ts'
import {
  type Aim,
  atLeast,
  atMost,
  figure,
  interleave,
  median,
  ratio,
  type Settings,
  type Table,
  type Workload,
} from '../harness/workload.ts'
import type { ContenderName } from '../verify/contenders.ts'
import { startIssuer } from '../verify/issuer.ts'
import type { VerifyResult, VerifyTask } from '../verify/measure.ts'

const liveEntries = 10_000
/** As many as the default cache holds, and far more. */
const [few, many] = [2_000, 50_000]

export const verify: Workload = {
  text: 'ES256 access tokens per second, cold and warm, beside jose, fast-jwt and jsonwebtoken',
  // Twelve measurements, each in a process that makes and reads its tokens first.
  lastsSeconds: ({ short, rounds, seconds }) => 12 * rounds * (seconds / 2 + (short ? 1 : 2.5)),
  run: async settings => {
    const issuer = await startIssuer(liveEntries)
    const compare = (names: readonly ContenderName[], mode: VerifyTask['mode'], tokens: number): Promise<Compared> =>
      compareVerifiers(names, settings, { mode, tokens, seconds: settings.seconds / 2, facts: issuer.facts })
    try {
      const cold = await compare(
        ['countersign', 'crypto.verify alone', 'fast-jwt', 'jsonwebtoken', 'jose', 'jose, 16 in flight'],
        'cold',
        settings.short ? 4_000 : 20_000,
      )
      // Those without a memory are as fast warm as cold: one of them is enough.
      const warm = await compare(['countersign', 'fast-jwt', 'jsonwebtoken'], 'warm', few)
      const large = await compare(
        ['countersign, cache for all', 'countersign', 'fast-jwt'],
        'warm',
        settings.short ? 10_000 : many,
      )
      return { tables: [cold.table, warm.table, large.table], aims: aimsOf(cold, warm, large) }
    } finally {
      issuer.close()
    }
  },
}

function aimsOf(cold: Compared, warm: Compared, large: Compared): Aim[] {
  const million = (value: number | undefined): number | undefined => value && value / 1e6
  const [ours, bare] = [cold.perSecond('countersign'), cold.perSecond('crypto.verify alone')]
  const overPercent = ours && bare ? (bare / ours - 1) * 100 : undefined
  return [
    atLeast(`Warm verification, ${figure(few)} tokens`, 1, million(warm.perSecond('countersign')), ' million/s', 2),
    atLeast(
      `Warm verification, ${figure(many)} tokens, a cache for all of them`,
      1,
      million(large.perSecond('countersign, cache for all')),
      ' million/s',
      2,
    ),
    atMost('Cold verification, longer than one bare `crypto.verify` by', 10, overPercent, ' %', 1),
  ]
}

interface Compared {
  readonly table: Table
  readonly perSecond: (name: ContenderName) => number | undefined
}

async function compareVerifiers(
  names: readonly ContenderName[],
  settings: Settings,
  task: Omit<VerifyTask, 'contender'>,
): Promise<Compared> {
  const results = await interleave(
    names.map(name => ({ name })),
    settings,
    ({ name }) =>
      runScript<VerifyResult>(
        'verify/measure.ts',
        [JSON.stringify({ ...task, contender: name } satisfies VerifyTask)],
        'server',
      ),
    ({ perSecond }) => `${figure(perSecond)}/s`,
  )
  const medians = new Map<string, number | undefined>(
    results.map(({ subject, outcomes }) => [subject.name, median(outcomes.map(one => one.perSecond))]),
  )
  const ours = medians.get(names[0] ?? '')
  return {
    perSecond: name => medians.get(name),
    table: {
      title: `Verification, ${task.mode}, ${figure(task.tokens)} distinct tokens`,
      columns: ['', 'per core second', 'µs each', 'the first is'],
      rows: names.map(name => {
        const perSecond = medians.get(name)
        return [
          name,
          figure(perSecond),
          figure(perSecond && 1e6 / perSecond, perSecond && perSecond > 1e5 ? 3 : 1),
          ratio(ours, perSecond),
        ]
      }),
      notes: [
        `Per second of processor time. A new string object per call, as off the wire. Ours checks a feed with ${figure(liveEntries)} live entries, followed meanwhile; its cache is the default of 16 MiB unless it says otherwise.`,
      ],
    },
  }
}
