import type { Countersign } from '@countersign/app'
import { byId, element } from '../page.ts'
import { type Experiment, plural, type Report, tally } from './experiment.ts'
import { expireStored } from './stored-token.ts'
import { type FromTab, type ToTab, tabState } from './tab.ts'
import { collectCalls, isRefresh, tellOfCall } from './watch.ts'

const count = 10
const callsPerTab = 5
const patience = 20_000

export function tenTabs(countersign: Countersign): Experiment {
  return {
    id: 'ten-tabs',
    title: 'Ten tabs',
    explanation:
      'Ten more copies of this page share one login. Their token expires, and all of them call the API five times at once.',
    actions: [{ id: 'open-tabs', label: 'Open ten tabs', run }],
    placeId: 'ten-tabs-place',
  }

  async function run(report: Report): Promise<void> {
    const place = byId('ten-tabs-place', HTMLElement)
    const tabs = openTabs(place)
    const watching = collectCalls()
    try {
      await tabs.every('ready')
      report(`${count} tabs are open, each with an SDK of its own.`)
      const due = tabs.every('due')
      await expireStored(countersign)
      await due
      report('The token counts as expired in all of them.')
      const answered = tabs.every('answered')
      tabs.post({ fire: callsPerTab })
      const answers = await answered
      const statuses = answers.flatMap(({ statuses }) => statuses ?? [])
      const refreshes = watching.end().filter(isRefresh)
      const good = refreshes.length === 1 && statuses.every(status => status === 200)
      const row = refreshes.map(one => `row ${one.row}`).join(', ')
      report(`${plural(refreshes.length, 'refresh', 'refreshes')} (${row}), ${tally(statuses)}.`, good ? 'good' : 'bad')
      tabs.close(answers)
    } catch (error) {
      tabs.close([])
      throw error
    } finally {
      watching.end()
    }
  }
}

interface Tabs {
  /** Resolves when every tab has said it since. */
  every(word: FromTab['word']): Promise<FromTab[]>
  post(message: ToTab): void
  /** Leaves what came of each in its place. */
  close(answers: readonly FromTab[]): void
}

/** Frames are tabs to the SDK: each has its own memory, and they share storage and locks. */
function openTabs(place: HTMLElement): Tabs {
  const frames = Array.from({ length: count }, (_, index) => {
    const frame = document.createElement('iframe')
    frame.src = `/?tab=${index + 1}`
    frame.title = `Tab ${index + 1}`
    return frame
  })
  const listeners = new Set<(message: FromTab) => void>()
  const listen = ({ origin, data: message }: MessageEvent<FromTab>): void => {
    if (origin !== location.origin) return
    if (message.call) tellOfCall(message.call)
    for (const listener of listeners) listener(message)
  }
  addEventListener('message', listen)
  place.replaceChildren(...frames.map(frame => element('div', { class: 'tab' }, frame)))
  return {
    every: word =>
      new Promise((resolve, reject) => {
        const heard = new Map<string, FromTab>()
        const timer = setTimeout(() => reject(new Error(`Only ${heard.size} tabs are ${word}.`)), patience)
        listeners.add(message => {
          if (message.word === word) heard.set(message.tab, message)
          if (heard.size < count) return
          clearTimeout(timer)
          resolve([...heard.values()])
        })
      }),
    post: message => {
      for (const frame of frames) frame.contentWindow?.postMessage(message, location.origin)
    },
    close(answers) {
      removeEventListener('message', listen)
      const shown = answers.map(({ tab, statuses }) => tabState(tab, tally(statuses ?? [])))
      place.replaceChildren(...shown.map(one => element('div', { class: 'tab' }, one)))
    },
  }
}
