import type { Client } from '@countersign/core'
import type { AskingApplication } from '../pages/sign-in-page.ts'

/** An application as pages name it: with the host that the browser goes to, so that a look-alike name does not suffice. */
export function askingApplication(client: Client, redirectUri: string): AskingApplication {
  const { host, protocol } = new URL(redirectUri)
  return { name: client.name, host: host || protocol }
}
