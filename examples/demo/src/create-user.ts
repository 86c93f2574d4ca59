import type { RunningSystem } from '@countersign/cli'
import { emailKey } from '@countersign/core'
import type { DemoSecrets } from './demo-secrets.ts'

/** Makes a user who is not there yet, by the same way as everybody who signs up. */
export async function createUserOnce(
  { store, address }: RunningSystem,
  user: DemoSecrets['login'] & { name: string },
): Promise<void> {
  if ((await store.loadUserByEmail(emailKey(user.email) ?? '')).user !== undefined) return
  const answer = await fetch(`${address}/v1/users`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(user),
  })
  // Another process on the same database, with the same master key, was first.
  if (answer.status === 409) return
  if (answer.status !== 201) throw new Error(`The demo user could not be made: ${answer.status}.`)
}
