import type { ProviderTokens } from '@countersign/connections'
import { type Identity, type MacKey, type RandomBytes, seal, unseal } from '@countersign/core'

/** Providers' tokens at rest: sealed under the master key, each bound to its identity. Nothing else holds them. */
export interface Vault {
  readonly seal: (of: IdentityName, tokens: ProviderTokens) => string
  /** `undefined`: there are none, or they were sealed under another key. */
  readonly open: (identity: Identity) => ProviderTokens | undefined
  /** Runs for one identity once at a time; whoever comes meanwhile gets the same. */
  readonly together: <Result>(of: IdentityName, run: () => Promise<Result>) => Promise<Result>
}

type IdentityName = Pick<Identity, 'connection' | 'subject'>

export function createVault(key: MacKey, random: RandomBytes): Vault {
  const label = ({ connection, subject }: IdentityName): string => JSON.stringify(['vault', connection, subject])
  const running = new Map<string, Promise<unknown>>()
  return {
    seal: (of, tokens) => seal(key, label(of), JSON.stringify(tokens), random),
    open(identity) {
      const opened = identity.sealedTokens === null ? undefined : unseal(key, label(identity), identity.sealedTokens)
      return opened && (JSON.parse(opened.toString('utf8')) as ProviderTokens)
    },
    together<Result>(of: IdentityName, run: () => Promise<Result>) {
      const joined = running.get(label(of))
      if (joined !== undefined) return joined as Promise<Result>
      const started = run().finally(() => running.delete(label(of)))
      running.set(label(of), started)
      return started
    },
  }
}
