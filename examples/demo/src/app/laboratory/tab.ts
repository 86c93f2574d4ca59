import type { Countersign } from '@countersign/app'
import { element } from '../page.ts'
import { apiUrl } from '../settings.ts'
import { tally } from './experiment.ts'
import { type Call, onCall } from './watch.ts'

/** What a tab tells the page that has opened it. */
export interface FromTab {
  readonly tab: string
  readonly word: 'ready' | 'due' | 'answered' | 'called'
  readonly call?: Call
  readonly statuses?: readonly number[]
}

export interface ToTab {
  /** Call the API so many times at once. */
  readonly fire: number
}

/** This page as one of the ten: the same login, and a number in the place of the notes. */
export async function startTab(countersign: Countersign, tab: string): Promise<void> {
  const tell = (message: Omit<FromTab, 'tab'>): void => parent.postMessage({ tab, ...message }, location.origin)
  const show = (text: string): void => document.body.replaceChildren(tabState(tab, text))
  document.body.className = 'in-tab'

  onCall(call => tell({ word: 'called', call: { ...call, who: `tab ${tab}` } }))
  countersign.subscribe(({ status }) => {
    show(status)
    if (status === 'due') tell({ word: 'due' })
  })
  addEventListener('message', ({ source, data: message }: MessageEvent<ToTab>) => {
    if (source === parent) void fire(message.fire)
  })
  await countersign.ready
  show(countersign.state.status)
  tell({ word: 'ready' })

  async function fire(count: number): Promise<void> {
    const calls = Array.from({ length: count }, () =>
      countersign.fetch(`${apiUrl}/notes`).then(async answer => {
        // Read to its end: closing this tab would otherwise show the call as broken off.
        await answer.arrayBuffer()
        return answer.status
      }),
    )
    const statuses = await Promise.all(calls).catch(() => [0])
    show(tally(statuses))
    tell({ word: 'answered', statuses })
  }
}

export function tabState(tab: string, text: string): HTMLElement {
  return element('p', { class: 'tab-state' }, element('b', {}, tab), ` ${text}`)
}
