import type { Client } from '@countersign/core'
import type { ServerConfig } from '../services.ts'
import { WrongDeclaration } from '../wrong-declaration.ts'

/** A misspelt name would leave tokens as long as if nothing had been said. */
export function checkApis(config: ServerConfig, clients: readonly Client[]): void {
  const { issuer, apiLifetimes, opaqueApis = [], sharedSecretApis = [], apiClaims = new Map(), registration } = config
  const reached = new Set([
    issuer,
    ...clients.flatMap(({ audiences }) => audiences),
    ...(registration?.audiences ?? []),
  ])
  const named = [...apiLifetimes.keys(), ...opaqueApis, ...sharedSecretApis, ...apiClaims.keys()]
  const wrong = named.find(audience => !reached.has(audience))
  if (wrong !== undefined) {
    throw new WrongDeclaration(
      `No client has the audience '${wrong}', so what is set for it (access_token_seconds, access_token_format, access_token_algorithm, claims) would count for nothing.`,
    )
  }
  checkSharedSecretApis(config, clients)
}

/** Of a token for two APIs only our own key can convince both, and the one that shares a secret would refuse it. */
function checkSharedSecretApis(
  { issuer, sharedSecretApis = new Set(), registration }: ServerConfig,
  clients: readonly Client[],
): void {
  if (sharedSecretApis.has(issuer)) throw new WrongDeclaration('The issuer shares no secret with itself.')
  const lists = [
    ...clients.map(({ id, audiences }) => ({ who: `The client '${id}'`, audiences })),
    { who: 'A client that registers itself', audiences: registration?.audiences ?? [] },
  ]
  for (const { who, audiences } of lists) {
    const shared = audiences.find(audience => sharedSecretApis.has(audience))
    if (shared === undefined || audiences.length === 1) continue
    throw new WrongDeclaration(
      `${who} has the audience '${shared}', whose access tokens are signed with a secret of its own (HS256), and so can have no other one.`,
    )
  }
}
