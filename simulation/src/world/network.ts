import type { HttpAnswer, HttpRequest } from '@countersign/server'
import type { Dice } from './dice.ts'
import type { NodeProcess } from './node.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What one sender's way to the server is like right now. Probabilities, and milliseconds. */
export interface Weather {
  offline: boolean
  loseRequest: number
  /** After the server has done its work. */
  loseAnswer: number
  /** The request arrives a second time, perhaps at another node. */
  repeat: number
  repeatWithin: number
  delay: number
  delayWithin: number
  /** A message of a stream comes after the one behind it. */
  shuffle: number
  /** A message of a stream comes a second time, after the one behind it. */
  double: number
}

export function fairWeather(): Weather {
  return {
    offline: false,
    loseRequest: 0,
    loseAnswer: 0,
    repeat: 0,
    repeatWithin: 0,
    delay: 0,
    delayWithin: 0,
    shuffle: 0,
    double: 0,
  }
}

/** Somebody who sends requests. */
export interface Sender {
  readonly name: string
  readonly weather: Weather
  readonly ip: string
  /** Sees every request as it goes out, whole. */
  tap?: ((request: HttpRequest) => void) | undefined
}

export interface Network {
  /** Rejects with a `TypeError` if there is no answer, as `fetch` does; or never settles, if that is how it was lost. */
  send(from: Sender, request: HttpRequest, node?: NodeProcess): Promise<HttpAnswer>
}

/** Told of each request that a node has taken in, before and after. */
export type Observe = (from: Sender, request: HttpRequest, node: NodeProcess) => (answer: HttpAnswer) => void

export function createNetwork(world: {
  time: VirtualTime
  dice: Dice
  nodes: readonly NodeProcess[]
  count: (fault: string) => void
  observe: Observe
}): Network {
  const { time, nodes, count, observe } = world

  async function deliver(from: Sender, request: HttpRequest, node: NodeProcess): Promise<HttpAnswer> {
    const answered = observe(from, request, node)
    const answer = await node.answer(request)
    answered(answer)
    return answer
  }

  function diceOf(from: Sender): Dice {
    const known = diceBySender.get(from)
    if (known !== undefined) return known
    const fresh = world.dice.fork(from.name)
    diceBySender.set(from, fresh)
    return fresh
  }
  const diceBySender = new Map<Sender, Dice>()

  return {
    async send(from, request, wanted) {
      const dice = diceOf(from)
      const { weather } = from
      const somewhere = (): NodeProcess => dice.pick(nodes.filter(node => node.running()).concat(nodes))
      const node = wanted ?? somewhere()
      // Thrown whatever the weather, so that fair weather does not change what follows.
      const [loses, forgets, repeats, delays, silent] = [
        dice.next(),
        dice.next(),
        dice.next(),
        dice.next(),
        dice.next(),
      ]
      const [latency, delay, repeatAfter] = [5 + dice.next() * 30, dice.next(), dice.next()]
      from.tap?.(request)
      await time.sleep(latency)
      if (weather.offline) {
        count('offline')
        throw lost()
      }
      if (repeats < weather.repeat) {
        count('request repeated')
        const other = somewhere()
        time.after(repeatAfter * weather.repeatWithin, () => void deliver(from, request, other).catch(() => {}))
      }
      if (loses < weather.loseRequest) {
        count('request lost')
        return silent < 0.5 ? never() : Promise.reject(lost())
      }
      if (delays < weather.delay) {
        count('delayed')
        await time.sleep(delay * weather.delayWithin)
      }
      const answer = await deliver(from, request, node).catch(error => {
        throw error instanceof Error && /connection/.test(error.message) ? lost() : error
      })
      await time.sleep(latency)
      if (forgets < weather.loseAnswer || weather.offline) {
        count('answer lost')
        return silent < 0.5 ? never() : Promise.reject(lost())
      }
      return answer
    },
  }
}

function lost(): TypeError {
  return new TypeError('fetch failed')
}

function never<T>(): Promise<T> {
  return new Promise(() => {})
}
