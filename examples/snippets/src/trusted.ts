import { createMachineTokens, createTrusted } from '@countersign/backend'
import { isRefusal } from '@countersign/protocol'

const { ISSUER = '', CLIENT_SECRET = '' } = process.env

const trusted = createTrusted({
  tokens: createMachineTokens({ issuer: ISSUER, clientId: 'reports', clientSecret: CLIENT_SECRET }),
})

/** You have signed the user in by your own means: this opens their session, and answers the app's tokens. */
export async function openSession(customerNumber: string): Promise<string> {
  const session = await trusted.createSession({ clientId: 'notes-app', user: { externalId: customerNumber } })
  if (isRefusal(session)) throw new Error(session.reason)
  return JSON.stringify(session)
}
