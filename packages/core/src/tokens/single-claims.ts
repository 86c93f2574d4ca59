import type { Client } from '../clients/client.ts'
import type { Family } from '../sessions/session.ts'
import { narrowClaims } from './claims-request.ts'

/** The names of the single claims that a login was asked for; what its client may not have any more, older logins do not tell either. */
export function singleClaims(
  { client, family }: { client: Client; family: Pick<Family, 'claims'> },
  where: 'userinfo' | 'id_token',
): string[] {
  return family.claims === null ? [] : Object.keys(narrowClaims(family.claims, client.scopes)[where] ?? {})
}
