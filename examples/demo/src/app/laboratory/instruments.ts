import { watched } from './watch.ts'

const fetchInstrument = watched('laboratory')

/** Asks the demo's own server for something that only an attacker or an operator would have. */
export async function instrument<Answer>(name: string, input: Readonly<Record<string, string>>): Promise<Answer> {
  const answer = await fetchInstrument(`/laboratory/${name}`, { method: 'POST', body: JSON.stringify(input) })
  const body = (await answer.json()) as Answer & { error_description?: string }
  if (!answer.ok) throw new Error(body.error_description ?? `The laboratory answered ${answer.status}.`)
  return body
}
