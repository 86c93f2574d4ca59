/* The page of the web app. It calls its own origin alone; the cookie goes along by itself. */

interface Me {
  readonly signedIn: boolean
  readonly reason?: string
  readonly user?: { readonly email?: string; readonly name?: string; readonly sub: string }
}

const find = (id: string): HTMLElement => document.getElementById(id) as HTMLElement
const form = find('note-form') as HTMLFormElement

/** Whatever changes something carries the token that only a page of this origin can read. */
function change(path: string, body?: object): Promise<Response> {
  const token = document.cookie.match(/(?:^|; )XSRF-TOKEN=([^;]+)/)?.[1] ?? ''
  const headers = { 'X-XSRF-TOKEN': token, 'Content-Type': 'application/json' }
  return fetch(path, { method: 'POST', headers, ...(body && { body: JSON.stringify(body) }) })
}

async function showWhoIsHere(): Promise<void> {
  const answer = await fetch('/auth/me')
  if (!answer.ok) return tell('The server cannot be reached right now.')
  const me = (await answer.json()) as Me
  find('signed-in').hidden = find('sign-out').hidden = !me.signedIn
  find('signed-out').hidden = me.signedIn
  find('login').textContent = me.user?.email ?? me.user?.name ?? me.user?.sub ?? ''
  const why = me.reason ?? new URLSearchParams(location.search).get('auth_error')
  find('sign-out-reason').textContent = why
  find('was-signed-out').hidden = me.signedIn || why === null
  showHoldings(me)
  if (me.signedIn) await showNotes()
}

async function showNotes(): Promise<void> {
  const answer = await fetch('/api/notes')
  if (answer.status === 401) return showWhoIsHere()
  if (!answer.ok) return tell('The notes cannot be loaded right now.')
  const { notes } = (await answer.json()) as { notes: { text: string }[] }
  const items = notes.map(({ text }) => Object.assign(document.createElement('li'), { textContent: text }))
  const none = Object.assign(document.createElement('li'), { className: 'quiet', textContent: 'No notes yet.' })
  find('notes').replaceChildren(...(items.length > 0 ? items : [none]))
  tell('')
}

/** Everything that a script that was injected here could carry away. */
function showHoldings({ user = {} }: { user?: object }): void {
  const stored = Object.keys({ ...localStorage, ...sessionStorage })
  const holdings = [
    ['document.cookie', document.cookie.replace(/=[^;]*/g, '=…') || 'empty'],
    ['localStorage, sessionStorage', stored.join(', ') || 'empty'],
    ['/auth/me', Object.keys(user).join(', ') || 'nobody'],
  ]
  const rows = holdings.flatMap(([name = '', what = '']) => [
    Object.assign(document.createElement('dt'), { textContent: name }),
    Object.assign(document.createElement('dd'), { textContent: what }),
  ])
  find('holdings').replaceChildren(...rows)
}

function tell(problem: string): void {
  find('problem').textContent = problem
}

form.addEventListener('submit', async event => {
  event.preventDefault()
  const answer = await change('/api/notes', { text: String(new FormData(form).get('text')) }).catch(() => undefined)
  if (answer?.status === 401) return showWhoIsHere()
  if (answer?.ok !== true) return tell('The note could not be saved right now.')
  form.reset()
  await showNotes()
})
find('sign-out').addEventListener('click', async () => {
  const answer = await change('/auth/logout')
  const { continueAt } = (await answer.json()) as { continueAt?: string }
  // The server ends this browser's session too, and leads back.
  if (continueAt !== undefined) return location.assign(continueAt)
  await showWhoIsHere()
})
await showWhoIsHere()
