import type { Client, KeyPolicy } from '@countersign/core'
import type { Store } from '@countersign/store'
import { jwksMaxAgeSeconds } from '../endpoints/discovery.ts'
import type { ServerConfig } from '../services.ts'
import { ringTrustedSeconds } from './key-keeper.ts'

/** Clocks differ, a token is accepted a little past its end, and a node that does not know of a turn yet signs on with the key of before. */
const tailMarginSeconds = 120

/** A key is kept until the longest thing that it made is past, whatever the policy says: nobody is logged out by a rotation. */
export async function fittingPolicy(
  store: Store,
  { keyPolicy: policy, sharedSecretApis = new Set() }: ServerConfig,
  clients: readonly Client[],
): Promise<KeyPolicy> {
  const { issuer } = await store.loadIssuer()
  const algorithms = new Set([...policy.algorithms, ...clients.map(client => client.idTokenAlgorithm)])
  const longestLogin = Math.max(0, ...clients.map(client => client.lifetimes.absoluteSeconds))
  return {
    ...policy,
    algorithms: [...algorithms],
    secretAudiences: [...sharedSecretApis],
    // A verifier may have read the keys at a node that did not know the next one yet.
    publishAheadSeconds: Math.max(policy.publishAheadSeconds, jwksMaxAgeSeconds + ringTrustedSeconds),
    signingTailSeconds: Math.max(policy.signingTailSeconds, issuer.longestAccessTokenSeconds) + tailMarginSeconds,
    refreshTailSeconds: Math.max(policy.refreshTailSeconds, longestLogin) + tailMarginSeconds,
  }
}
