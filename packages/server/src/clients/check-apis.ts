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
  const unreached = [...new Set(named)].filter(audience => !reached.has(audience))
  const faults = [
    ...unreached.map(
      audience =>
        `No client has the audience '${audience}', so what is set for it (access_token_seconds, access_token_format, access_token_algorithm, claims) would count for nothing.`,
    ),
    ...faultsOfSharedSecrets(config, clients),
  ]
  if (faults.length > 0) throw new WrongDeclaration(...faults)
}

/** Of a token for two APIs only our own key can convince both, and the one that shares a secret would refuse it. */
function faultsOfSharedSecrets(
  { issuer, sharedSecretApis = new Set(), registration }: ServerConfig,
  clients: readonly Client[],
): readonly string[] {
  const lists = [
    ...clients.map(({ id, audiences }) => ({ who: `The client '${id}'`, audiences })),
    { who: 'A client that registers itself', audiences: registration?.audiences ?? [] },
  ]
  return [
    ...(sharedSecretApis.has(issuer) ? ['The issuer shares no secret with itself.'] : []),
    ...lists.flatMap(({ who, audiences }) => {
      const shared = audiences.find(audience => sharedSecretApis.has(audience))
      if (shared === undefined || audiences.length === 1) return []
      return [
        `${who} has the audience '${shared}', whose access tokens are signed with a secret of its own (HS256), and so can have no other one.`,
      ]
    }),
  ]
}
