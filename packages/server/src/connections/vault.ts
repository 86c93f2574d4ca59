import type { ProviderTokens } from '@countersign/connections'
import { type Identity, type RandomBytes, seal, unseal } from '@countersign/core'

/** Providers' tokens at rest: sealed under the master key, each bound to its identity. Nothing else holds them. */
export interface Vault {
  readonly seal: (of: IdentityName, tokens: ProviderTokens) => string
  /** `undefined`: there are none, or they were sealed under another key. */
  readonly open: (identity: Identity) => ProviderTokens | undefined
}

type IdentityName = Pick<Identity, 'connection' | 'subject'>

export function createVault(key: Buffer, random: RandomBytes): Vault {
  const label = ({ connection, subject }: IdentityName): string => JSON.stringify(['vault', connection, subject])
  return {
    seal: (of, tokens) => seal(key, label(of), JSON.stringify(tokens), random),
    open(identity) {
      const opened = identity.sealedTokens === null ? undefined : unseal(key, label(identity), identity.sealedTokens)
      return opened && (JSON.parse(opened.toString('utf8')) as ProviderTokens)
    },
  }
}
