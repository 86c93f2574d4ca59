import { createMachineTokens } from '@countersign/backend'

const { ISSUER = '', CLIENT_SECRET = '', NOTES_API = '' } = process.env

const tokens = createMachineTokens({ issuer: ISSUER, clientId: 'reports', clientSecret: CLIENT_SECRET })

/** One token for all calls: fetched once, renewed before it ends, fetched again after a 401. */
export async function readNotes(): Promise<unknown> {
  const response = await tokens.fetch(`${NOTES_API}/notes`)
  return response.json()
}
