import type { Countersign } from '@countersign/app'
import { byId, element, fieldsOf } from './page.ts'

interface Note {
  readonly id: number
  readonly text: string
}

/** The list of notes. `countersign.fetch` puts the token on, and renews it when it has to. */
export function createNotes(countersign: Countersign, apiUrl: string): { load(): Promise<void> } {
  const form = byId('note-form', HTMLFormElement)
  const list = byId('notes', HTMLElement)
  const problem = byId('notes-problem', HTMLElement)

  async function load(): Promise<void> {
    const answer = await countersign.fetch(`${apiUrl}/notes`)
    if (!answer.ok) return tellWhyNot(answer)
    const { notes } = (await answer.json()) as { notes: Note[] }
    const items = notes.map(({ text }) => element('li', {}, text))
    list.replaceChildren(...(items.length > 0 ? items : [element('li', { class: 'quiet' }, 'No notes yet.')]))
    problem.textContent = ''
  }

  async function add(text: string): Promise<void> {
    const answer = await countersign.fetch(`${apiUrl}/notes`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text }),
    })
    if (!answer.ok) return tellWhyNot(answer)
    form.reset()
    byId('note', HTMLInputElement).focus()
    await load()
  }

  async function tellWhyNot(answer: Response): Promise<void> {
    const { error_description } = (await answer.json()) as { error_description?: string }
    problem.textContent = error_description ?? `The API answered ${answer.status}.`
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    add(fieldsOf(form).text ?? '').catch(() => {
      problem.textContent = 'The note could not be saved right now.'
    })
  })

  return {
    load: () =>
      load().catch(() => {
        problem.textContent = 'The notes cannot be loaded right now.'
      }),
  }
}
