import { runScript } from '../harness/processes.ts'
import { figure, interleave, median, ratio, type Settings, type Table, type Workload } from '../harness/workload.ts'
import { contenders } from '../verify/contenders.ts'
import { startIssuer } from '../verify/issuer.ts'
import type { VerifyResult, VerifyTask } from '../verify/measure.ts'

const liveEntries = 10_000

export const verify: Workload = {
  text: 'ES256 access tokens per second, cold and warm, beside jose, fast-jwt and jsonwebtoken',
  run: async settings => {
    const issuer = await startIssuer(liveEntries)
    const compare = (mode: VerifyTask['mode'], tokens: number): Promise<Table> =>
      compareVerifiers(settings, { mode, tokens, seconds: settings.seconds, facts: issuer.facts })
    try {
      return [
        await compare('cold', settings.short ? 5000 : 30_000),
        await compare('warm', 1000),
        await compare('warm', settings.short ? 10_000 : 100_000),
      ]
    } finally {
      issuer.close()
    }
  },
}

/** Those without a memory are as fast warm as cold, and are left out of the warm tables but for comparison. */
const withMemory = ['countersign', 'fast-jwt', 'jsonwebtoken']

async function compareVerifiers(settings: Settings, task: Omit<VerifyTask, 'contender'>): Promise<Table> {
  const names = task.mode === 'cold' ? Object.keys(contenders) : withMemory
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
  const medians = new Map(
    results.map(({ subject, outcomes }) => [subject.name, median(outcomes.map(one => one.perSecond))]),
  )
  return {
    title: `Verification, ${task.mode}, ${figure(task.tokens)} distinct tokens`,
    columns: ['', 'per core second', 'µs each', 'ours is'],
    rows: names.map(name => {
      const perSecond = medians.get(name)
      return [
        name,
        figure(perSecond),
        figure(perSecond && 1e6 / perSecond, perSecond && perSecond > 1e5 ? 3 : 1),
        ratio(medians.get('countersign'), perSecond),
      ]
    }),
    notes: [
      `Per second of processor time. A new string object per call, as off the wire. Ours checks a feed with ${figure(liveEntries)} live entries, followed meanwhile.`,
    ],
  }
}
