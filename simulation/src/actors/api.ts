import type { Reason } from '@countersign/protocol'
import { isRefusal } from '@countersign/protocol'
import { createVerifier, type Verifier } from '@countersign/verify'
import type { Judgement, Party } from '../history/history.ts'
import { readAccessToken } from '../history/read-tokens.ts'
import { apiSecret, apiUrl } from '../world/clients.ts'
import type { Dice } from '../world/dice.ts'
import { epoch } from '../world/disk.ts'
import { abortable, requestOf, responseOf } from '../world/fetch.ts'
import type { Network, Sender, Weather } from '../world/network.ts'
import { issuerUrl } from '../world/node.ts'
import type { VirtualTime } from '../world/virtual-time.ts'

/** A resource server with the real verifier, following the feed. */
export interface Api {
  readonly name: string
  readonly sender: Sender & { weather: Weather }
  readonly verifier: Verifier
  clockError: number
  judge(party: Party, token: string, proof: string | undefined): Promise<Judgement['verdict']>
}

export function createApi(
  world: {
    time: VirtualTime
    dice: Dice
    network: Network
    count: (fault: string) => void
    arrive?: ((text: string) => string) | undefined
    onJudgement: (judgement: Judgement) => void
  },
  name: string,
  sender: Api['sender'],
  whenStale: 'accept' | 'introspect' | 'reject',
): Api {
  const { time, network } = world
  const dice = world.dice.fork(name)

  /** In order, and never while the line is cut: what was sent meanwhile comes late, or not at all. */
  async function carry(): Promise<void> {
    await time.sleep(5)
    while (sender.weather.offline) await time.sleep(1_000)
  }

  /** One line: a message may wait until some others have overtaken it, or come a second time after them. */
  function disorder(): (chunk: Uint8Array) => readonly Uint8Array[] {
    const disorderDice = dice.fork('disorder')
    let held: { chunk: Uint8Array; overtakenBy: number }[] = []
    return chunk => {
      const [shuffles, doubles, overtakenBy] = [disorderDice.next(), disorderDice.next(), disorderDice.below(40)]
      const { shuffle, double } = sender.weather
      const late = held.filter(one => one.overtakenBy === 0).map(one => one.chunk)
      held = held.filter(one => one.overtakenBy > 0).map(one => ({ ...one, overtakenBy: one.overtakenBy - 1 }))
      if (shuffles >= shuffle && doubles >= double) return [chunk, ...late]
      held.push({ chunk, overtakenBy })
      world.count(shuffles < shuffle ? 'feed reordered' : 'feed repeated')
      return shuffles < shuffle ? late : [chunk, ...late]
    }
  }

  /** One line of the feed. */
  function deal(): (chunk: Uint8Array) => readonly Uint8Array[] {
    const inOrder = disorder()
    const { arrive } = world
    return arrive ? chunk => inOrder(chunk).map(one => Buffer.from(arrive(String(one)))) : inOrder
  }

  const verifier = createVerifier({
    issuer: issuerUrl,
    audience: apiUrl,
    revocations: { clientId: 'api', clientSecret: apiSecret, whenStale },
    fetch: (input, init) => {
      const sent = network.send(sender, requestOf(input, init, sender.ip))
      return abortable(
        sent.then(answer => responseOf(answer, { signal: init?.signal, carry, deal: deal() })),
        init?.signal,
      )
    },
    clock: { wallMilliseconds: () => epoch + time.now() + api.clockError, monotonicMilliseconds: time.now },
    timers: {
      set: (callback, milliseconds) => time.after(milliseconds, callback),
      clear: timer => time.cancel(timer as ReturnType<VirtualTime['after']> | undefined),
    },
    random: dice.next,
    // What the weather does is in the story already.
    onProblem: () => {},
  })

  const api: Api = {
    name,
    sender,
    verifier,
    clockError: 0,
    async judge(party, token, proof) {
      const presented = {
        scheme: proof === undefined ? ('Bearer' as const) : ('DPoP' as const),
        ...(proof !== undefined && { proof }),
        method: 'GET',
        url: `${apiUrl}/notes`,
      }
      const verification = await verifier.verify(token, undefined, presented)
      const verdict = verdictOf(verification)
      world.onJudgement({ api: name, party, time: time.now(), ...readAccessToken(token), verdict })
      return verdict
    },
  }
  return api
}

function verdictOf(verification: Awaited<ReturnType<Verifier['verify']>>): Judgement['verdict'] {
  if (isRefusal(verification)) return verification.reason satisfies Reason
  return verification.stale ? 'accepted as stale' : 'accepted'
}
