import { type IncomingMessage, request } from 'node:http'
import { basic } from './http-call.ts'

/** What came over the event stream, by all connections together. */
export interface FeedRead {
  /** The numbers of the positions at which there were entries, without the first snapshot's. */
  readonly numbers: readonly number[]
  /** What the entries name, without those of the first snapshot. */
  readonly ids: readonly string[]
  readonly snapshots: number
  readonly connections: number
}

export interface FeedReader {
  /** Resolves once what has been read is like that. */
  until(condition: (read: FeedRead) => boolean): Promise<void>
  stop(): Promise<FeedRead>
}

/** Follows the feed as a verifier does: when the connection ends it comes back, and says where it was (`Last-Event-ID`). */
export function followFeed(
  issuer: string,
  { clientId, clientSecret }: Record<'clientId' | 'clientSecret', string>,
): FeedReader {
  const read = { numbers: [] as number[], ids: [] as string[], snapshots: 0, connections: 0 }
  let position: string | undefined
  let stopped = false
  let current: ReturnType<typeof request> | undefined
  let told: (() => void)[] = []

  function take(block: string): void {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
    const [event, id] = [field('event'), field('id')]
    if (event === '') return
    const numberOf = (text: string | undefined): number => Number(text?.split('.')[1])
    const { entries } = JSON.parse(field('data')) as { entries: { id: string }[] }
    if (event === 'snapshot') read.snapshots++
    else if (event === 'entries') {
      // A page holds what is between two positions, and a number is an entry.
      for (let number = numberOf(position) + 1; number <= numberOf(id); number++) read.numbers.push(number)
      read.ids.push(...entries.map(entry => entry.id))
      if (entries.length !== numberOf(id) - numberOf(position)) throw new Error(`a gap between ${position} and ${id}`)
    }
    position = id
    for (const tell of told.splice(0)) tell()
  }

  function connect(): Promise<void> {
    read.connections++
    const headers = {
      ...basic(clientId, clientSecret),
      accept: 'text/event-stream',
      ...(position !== undefined && { 'last-event-id': position }),
    }
    return new Promise(resolve => {
      const over = (): void => resolve()
      current = request(`${issuer}/revocations`, { agent: false, headers }, (answer: IncomingMessage) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => {
          const blocks = (text + part).split('\n\n')
          text = blocks.pop() ?? ''
          for (const block of blocks) take(block)
        })
        answer.on('error', over).on('close', over)
      })
      current.on('error', over).end()
    })
  }

  async function follow(): Promise<FeedRead> {
    while (!stopped) await connect()
    return read
  }
  const following = follow()

  return {
    async until(condition) {
      while (!condition(read)) await new Promise<void>(tell => told.push(tell))
    },
    stop() {
      stopped = true
      told = []
      current?.destroy()
      return following
    },
  }
}
