import { countersign } from './countersign.ts'
import { startLaboratory } from './laboratory/laboratory.ts'
import { startTab } from './laboratory/tab.ts'
import { createNotes } from './notes.ts'
import { byId, show } from './page.ts'
import { apiUrl } from './settings.ts'
import { startSignIn } from './sign-in.ts'

const tab = new URLSearchParams(location.search).get('tab')
if (tab === null) await startApp()
else await startTab(countersign, tab)

async function startApp(): Promise<void> {
  const notes = createNotes(countersign, apiUrl)
  let shownLogin: string | undefined

  /** What the page shows follows from the state, whatever led to it. */
  function showState(): void {
    const { state, sessionId } = countersign
    const signedOut = state.status === 'signedOut'
    show(byId('signed-out', HTMLElement), signedOut)
    show(byId('signed-in', HTMLElement), !signedOut && sessionId !== undefined)
    show(byId('sign-out', HTMLElement), !signedOut && sessionId !== undefined)
    const why = signedOut && state.reason !== 'none' && state.reason !== 'signed_out' ? state.reason : ''
    byId('sign-out-reason', HTMLElement).textContent = why
    show(byId('was-signed-out', HTMLElement), why !== '')
    if (sessionId !== undefined && sessionId !== shownLogin) void notes.load()
    shownLogin = sessionId
  }

  countersign.subscribe(showState)
  byId('sign-out', HTMLButtonElement).addEventListener('click', () => void countersign.signOut())
  startLaboratory(countersign)
  await countersign.ready
  await startSignIn(countersign)
  showState()
}
