import { createCountersign } from '@countersign/app'
import { handleRedirect, signInWithRedirect } from '@countersign/app/redirect'
import { localStorageStorage } from '@countersign/app/storage/web'

const countersign = createCountersign({
  issuer: 'https://login.example.com',
  clientId: 'notes-app',
  storage: localStorageStorage('notes'),
})

/** Leaves for the server's sign-in page; it sends the user back to this one, which must be a redirect URI of the client. */
export function signIn(): Promise<void> {
  return signInWithRedirect(countersign)
}

/** On every load of the page: finishes a sign-in if this is the way back from one. */
export async function start(): Promise<string> {
  const answer = await handleRedirect(countersign)
  if (answer?.refused) return `refused: ${answer.reason}`
  await countersign.ready
  return countersign.state.status
}
