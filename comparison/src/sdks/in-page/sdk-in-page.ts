/** One SDK in one tab, used as its documentation has it. */
export interface SdkInPage {
  /** Signs in; tabs that are opened later find the login. */
  signIn(): Promise<void>
  /** Calls an API with a token; the status of the answer, 0 if there is none. */
  call(): Promise<number>
}

export const credentials = { email: 'ada@example.com', password: 'correct horse' } as const
export const clientId = 'app'

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
}

/** A login as any other client gets it: no key. */
export async function logIn(): Promise<Tokens> {
  const answer = await fetch('/v1/sessions', {
    method: 'POST',
    body: JSON.stringify({ ...credentials, client_id: clientId }),
  })
  return (await answer.json()) as Tokens
}

export async function callWith(accessToken: string): Promise<number> {
  const { status } = await fetch('/api/echo', { headers: { Authorization: `Bearer ${accessToken}` } })
  return status
}
