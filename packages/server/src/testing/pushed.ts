import { type Answer, authorization, postForm } from './calls.ts'
import type { GivenServer } from './given.ts'

/** A pushed authorization request, and what a browser goes to with it. */
export interface Pushed {
  readonly answer: Answer
  readonly requestUri: string
  readonly path: string
  readonly verifier: string
}

/** The fields that a client pushes. */
export function pushFields(more: Readonly<Record<string, string>> = {}): {
  fields: Record<string, string>
  verifier: string
} {
  const { path, verifier } = authorization(more)
  return { fields: Object.fromEntries(new URLSearchParams(path.split('?')[1])), verifier }
}

/** Pushes an authorization request of `app`, or of whom `more` names. */
export async function push(
  to: GivenServer,
  more: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Pushed> {
  const { fields, verifier } = pushFields(more)
  const answer = await postForm(to, '/par', fields, headers)
  const requestUri = String(answer.body.request_uri)
  const query = new URLSearchParams({ client_id: fields.client_id ?? '', request_uri: requestUri })
  return { answer, requestUri, path: `/authorize?${query}`, verifier }
}
