import { type Refusal, refuse } from '@countersign/protocol'
import { type CheckedToken, checkedToken } from './checked-token.ts'
import { judgeClaims, judgeTimes } from './claims.ts'
import { type CompactToken, splitCompact } from './compact-token.ts'
import { type Configuration, readConfiguration, type VerifierOptions } from './configuration.ts'
import { type IssuerKeys, issuerKeys } from './issuer-keys.ts'
import { type MetadataSource, metadataSource } from './issuer-metadata.ts'
import { opaqueTokens } from './opaque-tokens.ts'
import { type CompiledPolicy, compilePolicy, judgeAge, judgeScope, type Policy, scopeReader } from './policy.ts'
import { bindingJudge, type Presented } from './proof.ts'
import { judgeRevocation, revocationCheckOf } from './revocation-check.ts'
import { parseStrictObject } from './strict-json.ts'
import { tokenCache } from './token-cache.ts'
import { readHeader, type TokenHeader } from './token-header.ts'
import type { VerificationKey } from './verification-key.ts'
import type { Verification, Verifier } from './verifier.ts'

const noPolicy: Policy = {}
/** Of tokens that were not signed: the issuer's word stands for them. */
const noKey: VerificationKey = {
  kid: undefined,
  algorithm: 'ES256',
  check: () => false,
  expiresSeconds: Number.POSITIVE_INFINITY,
  live: true,
}
const headersAtMost = 100

/**
 * Makes a verifier for the tokens of one issuer (RFC 9068 by default, any issuer with a JWKS by configuration).
 * Starts to fetch keys, and with `revocations` to follow the feed, at once; the open feed keeps a process alive until
 * `close()`.
 *
 * Throws a TypeError if the options are wrong.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const configuration = readConfiguration(options)
  const { runtime, claimRules } = configuration
  const { clock } = runtime
  const metadata = metadataSource(runtime, configuration.issuer, configuration.insecureHttp)
  const keys = configuration.secrets === undefined ? keysOf(configuration, metadata) : undefined
  const check = revocationCheckOf(configuration, metadata, () => keys?.renew())
  const judgeBinding = bindingJudge(clock, configuration.proofMaxAgeSeconds)
  const cache = tokenCache<CheckedToken>(configuration.cacheBytes)
  const headers = new Map<string, TokenHeader>()
  const readScopes = scopeReader()
  const opaque =
    check === undefined || !configuration.opaque
      ? undefined
      : opaqueTokens({ clock, introspect: check.introspect, read: checkAnswer, ...configuration.opaque })

  function verify(token: unknown, policy: Policy = noPolicy, presented?: Presented): ReturnType<Verifier['verify']> {
    const asked = compilePolicy(policy)
    if (typeof token !== 'string') return refuse('token_malformed')
    const known = cache.get(token)
    if (known?.key.live) return judge(known, asked, presented)
    const checked = opaque?.recognises(token) ? opaque.find(token) : checkSignature(token)
    return whenKnown(checked, found => ('refused' in found ? found : judge(found, asked, presented)))
  }

  /** Shape, header, key, signature, claims: what need not be done again for the same token. */
  function checkSignature(token: string): CheckedToken | Refusal | Promise<CheckedToken | Refusal> {
    const parts = splitCompact(token, configuration.longestToken)
    if (parts === undefined) return refuse('token_malformed')
    const header = headers.get(parts.headerText) ?? readHeader(parts.headerText, configuration.headerRules)
    if (typeof header === 'string') return refuse(header)
    const { signedBytes, signature, headerText } = parts
    return whenKnown(findKey(header), found => {
      if ('refused' in found) return isRetired(found, header) ? refuse('token_revoked') : found
      if (found.algorithm !== header.algorithm) return refuse('algorithm_not_allowed')
      const key = signerOf(found, signedBytes, signature)
      if (key === undefined) return refuse('signature_invalid')
      if (!headers.has(headerText)) rememberHeader(headerText, header)
      return checkPayload(parts, header, key)
    })
  }

  function findKey(header: TokenHeader): VerificationKey | Refusal | Promise<VerificationKey | Refusal> {
    return configuration.secrets?.[0] ?? (keys as IssuerKeys).find(header.kid)
  }

  /**
   * The feed and the key set are fetched apart, so a key that was retired may be gone before its tokens are looked up: the reason
   * is the same, whichever came first. A key named as dead kills whatever claims to be signed with it.
   */
  function isRetired({ reason }: Refusal, { kid }: TokenHeader): boolean {
    return reason === 'key_unknown' && kid !== undefined && check?.known.killsKey(kid) === true
  }

  /** A public key stands for itself; of two shared secrets, either may have been used. */
  function signerOf(key: VerificationKey, signedBytes: Buffer, signature: Buffer): VerificationKey | undefined {
    if (configuration.secrets === undefined) return key.check(signedBytes, signature) ? key : undefined
    return configuration.secrets.find(secret => secret.check(signedBytes, signature))
  }

  function checkPayload(
    { payload, bytes }: CompactToken,
    header: TokenHeader,
    key: VerificationKey,
  ): CheckedToken | Refusal {
    const members = parseStrictObject(payload)
    if (members === undefined) return refuse('token_malformed')
    const claims = judgeClaims(members, claimRules)
    if (typeof claims === 'string') return refuse(claims)
    // A copy of its own: a token cut out of a longer text would keep all of that in memory.
    const checked = checkedToken(bytes.toString('latin1'), claims, {
      key,
      kid: header.kid,
      scopes: readScopes(claims),
      claimBytes: payload.length,
    })
    cache.set(checked)
    return checked
  }

  /** What the issuer told of an opaque token is judged as the claims of a JWT are. */
  function checkAnswer(token: string, members: Readonly<Record<string, unknown>>): CheckedToken | Refusal {
    const claims = judgeClaims(members, claimRules)
    if (typeof claims === 'string') return refuse(claims)
    return checkedToken(token, claims, {
      key: noKey,
      kid: undefined,
      scopes: readScopes(claims),
      claimBytes: JSON.stringify(claims).length,
    })
  }

  function rememberHeader(text: string, header: TokenHeader): void {
    if (headers.size >= headersAtMost) headers.clear()
    headers.set(text, header)
  }

  /** Everything that depends on time, on the request and on the endpoint: done at every use. */
  function judge(
    token: CheckedToken,
    policy: CompiledPolicy,
    presented: Presented | undefined,
  ): Verification | Promise<Verification> {
    const nowSeconds = clock.wallMilliseconds() / 1000
    if (nowSeconds >= token.key.expiresSeconds) return refuse('key_unknown')
    const reason =
      judgeTimes(token, nowSeconds, claimRules.clockToleranceSeconds) ?? judgeAge(policy, token, nowSeconds)
    if (reason !== undefined) return refuse(reason)
    return whenKnown(judgeRevocation(check, token, policy), verdict => {
      if (verdict.refused) return verdict
      return judgeHolder(token, policy, presented) ?? judgeScope(policy, token.scopes) ?? verdict
    })
  }

  function judgeHolder(
    token: CheckedToken,
    policy: CompiledPolicy,
    presented: Presented | undefined,
  ): Refusal | undefined {
    if (token.isBound || presented?.scheme === 'DPoP') return judgeBinding(token.token, token.claims, presented)
    return policy.bound ? refuse('binding_required') : undefined
  }

  return {
    issuer: configuration.issuer,
    verify,
    async ready() {
      const [haveKeys, haveRevocations] = await Promise.all([keys?.ready() ?? true, check?.feed.ready() ?? true])
      return haveKeys && haveRevocations
    },
    close() {
      keys?.close()
      check?.feed.close()
    },
    status: () => ({
      keys: keys?.status(),
      revocations: check?.feed.status(),
      cache: { tokens: cache.size, bytes: cache.bytes },
    }),
  }
}

/** Goes on at once if it can, and only else when the promise is kept. */
function whenKnown<Value, Answer>(
  value: Value | Promise<Value>,
  next: (value: Value) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  return value instanceof Promise ? value.then(next) : next(value)
}

function keysOf(configuration: Configuration, metadata: MetadataSource): IssuerKeys {
  const { jwksUri, secretsOfIssuer } = configuration
  return issuerKeys(configuration.runtime, {
    locate: async () => secretsOfIssuer?.url ?? jwksUri ?? (await metadata.get()).jwksUri,
    ...(secretsOfIssuer && { authorization: secretsOfIssuer.authorization }),
    relocate: metadata.forget,
    algorithms: configuration.algorithms,
    cooldownMilliseconds: configuration.cooldownSeconds * 1000,
    staleIfErrorMilliseconds: configuration.staleIfErrorSeconds * 1000,
    onProblem: configuration.onProblem,
  })
}
