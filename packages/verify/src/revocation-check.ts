import { refuse } from '@countersign/protocol'
import type { CheckedToken } from './checked-token.ts'
import type { Configuration } from './configuration.ts'
import { type FeedFollower, followFeed } from './feed-follower.ts'
import { type Introspect, introspection } from './introspection.ts'
import type { MetadataSource } from './issuer-metadata.ts'
import { basicAuthorization } from './outbound.ts'
import type { CompiledPolicy, WhenStale } from './policy.ts'
import { type Revocations, revocations } from './revocations.ts'
import type { Verification } from './verifier.ts'

/** What follows the feed and can ask about a single token. */
export interface RevocationCheck {
  readonly known: Revocations
  readonly feed: FeedFollower
  readonly introspect: Introspect
  /** Where an endpoint says nothing else. */
  readonly whenStale: WhenStale
}

const defaultMostEntries = 1_000_000

/** What a feed that cannot be followed means, unless an endpoint says otherwise. */
const meanwhile: Readonly<Record<WhenStale, string>> = {
  accept: 'Revoked tokens are accepted until they expire.',
  introspect: 'The issuer is asked about every token.',
  reject: 'Every token is refused.',
}

const noCredentials = { detail: 'This API has no client of its own to ask the issuer as.' }

export function revocationCheckOf(
  configuration: Configuration,
  metadata: MetadataSource,
  onKeyRetired: () => void,
): RevocationCheck | undefined {
  const { revocations: options, runtime, issuer } = configuration
  if (options === undefined) return undefined
  const authorization = basicAuthorization(options.clientId, options.clientSecret)
  const { whenStale = 'accept' } = options
  const known = revocations(options.mostEntries ?? defaultMostEntries)
  return {
    known,
    feed: followFeed(runtime, known, {
      url: options.url ?? `${issuer.replace(/\/$/, '')}/revocations`,
      authorization,
      clientId: options.clientId,
      meanwhile: meanwhile[whenStale],
      onProblem: configuration.onProblem,
      onKeyRetired,
    }),
    introspect: introspection(runtime, {
      locate: async () => options.introspectionUrl ?? (await metadata.get()).introspectionEndpoint,
      authorization,
    }),
    whenStale,
  }
}

/** What the feed and the issuer say of a token now. Without `check` nobody can be asked. */
export function judgeRevocation(
  check: RevocationCheck | undefined,
  token: CheckedToken,
  policy: CompiledPolicy,
): Verification | Promise<Verification> {
  if (check === undefined) return policy.introspect ? refuse('revocations_stale', noCredentials) : token.good
  if (token.lookedUpAt !== check.known.version) {
    token.dead = check.known.kills(token.claims, token.kid)
    token.lookedUpAt = check.known.version
  }
  if (token.dead !== undefined) return refuse(token.dead)
  if (policy.introspect) return introspectOne(token, check.introspect)
  if (check.feed.isCurrent()) return token.good
  switch (policy.whenStale ?? check.whenStale) {
    case 'accept':
      return token.goodButStale
    case 'introspect':
      return introspectOne(token, check.introspect)
    case 'reject':
      return refuse('revocations_stale', { retryAfterSeconds: 2 })
  }
}

async function introspectOne(token: CheckedToken, introspect: Introspect): Promise<Verification> {
  const answer = await introspect(token.token)
  if (answer === undefined) return refuse('revocations_stale', { retryAfterSeconds: 2 })
  return answer.active ? token.good : refuse('token_revoked')
}
