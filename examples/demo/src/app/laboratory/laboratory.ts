import type { Countersign } from '@countersign/app'
import { byId, element } from '../page.ts'
import type { Action, Experiment, Tone } from './experiment.ts'
import { expiredCalls } from './expired-calls.ts'
import { forgedToken } from './forged-token.ts'
import { lostAnswer } from './lost-answer.ts'
import { remoteSignOut } from './remote-sign-out.ts'
import { stolenToken } from './stolen-token.ts'
import { tenTabs } from './ten-tabs.ts'
import { startTimeline } from './timeline.ts'

/** The part of the page where one presses and watches. */
export function startLaboratory(countersign: Countersign): void {
  startTimeline()
  const fieldset = byId('experiments', HTMLFieldSetElement)
  let busy = false
  const show = (): void => {
    const signedIn = countersign.sessionId !== undefined
    showState(countersign)
    byId('sign-in-first', HTMLElement).hidden = signedIn
    fieldset.disabled = busy || !signedIn
  }
  // One at a time: two experiments at once would explain nothing.
  const occupy: Occupy = whether => {
    busy = whether
    show()
  }
  const experiments = [expiredCalls, lostAnswer, tenTabs, stolenToken, forgedToken, remoteSignOut]
  fieldset.replaceChildren(...experiments.map(make => card(make(countersign), occupy)))
  countersign.subscribe(show)
  show()
}

type Occupy = (busy: boolean) => void

function card({ id, title, explanation, actions, placeId }: Experiment, occupy: Occupy): HTMLElement {
  const findings = element('ol', { class: 'findings', 'aria-live': 'polite' })
  const made = element('section', { class: 'card experiment', id, 'data-state': 'idle' })
  const buttons = actions.map(action => {
    const button = element('button', { type: 'button', class: 'button', id: action.id }, action.label)
    button.addEventListener('click', async () => {
      occupy(true)
      made.dataset.state = 'running'
      await perform(action, findings)
      made.dataset.state = 'done'
      occupy(false)
      // A button that is switched off loses the focus; who works by keyboard gets it back.
      if (document.activeElement === document.body) button.focus()
    })
    return button
  })
  made.append(
    element('h3', {}, title),
    element('p', { class: 'hint' }, explanation),
    element('div', { class: 'actions' }, ...buttons),
    ...(placeId === undefined ? [] : [element('div', { class: 'tabs', id: placeId })]),
    findings,
  )
  return made
}

/** What the experiment reports is listed, and so is what it throws. */
async function perform(action: Action, findings: HTMLElement): Promise<void> {
  const report = (text: string, tone: Tone = 'plain'): void =>
    findings.append(element('li', { class: `finding ${tone}` }, text))
  findings.replaceChildren()
  try {
    await action.run(report)
  } catch (error) {
    report(error instanceof Error ? error.message : String(error), 'bad')
  }
}

const stateWords = {
  signedOut: 'signed out',
  fresh: 'fresh',
  due: 'due',
  refreshing: 'refreshing',
  degraded: 'degraded',
} as const

function showState({ state, bound, sessionId }: Countersign): void {
  const pill = byId('state', HTMLElement)
  pill.textContent = stateWords[state.status]
  pill.dataset.status = state.status
  byId('login', HTMLElement).textContent =
    sessionId === undefined
      ? ''
      : `${bound ? 'bound to a key of this browser' : 'not bound'} · login ${sessionId.slice(-8)}`
}
