import type { AuditRecord } from './audit/audit.ts'
import type { Client } from './clients/client.ts'
import { type RefreshDecision, redeemRefreshToken } from './grant-types/refresh.ts'
import type { Issuer } from './issuer.ts'
import { authenticated, committed, sampleClient, sampleDevice, sampleSignIn } from './sample-rows.ts'
import type { FamilySnapshot } from './snapshots.ts'
import { deriveRefreshToken, openRefreshToken } from './tokens/refresh-token.ts'

const sampleKey = Buffer.alloc(32, 7)
const sampleThumbprint = 'sample-thumbprint-of-the-family'

/** One login with a clock of its own, for tests that play it through. */
export interface SampleLogin {
  /** As the store has them. A test may change them: that is the store forgetting, an operator, another node. */
  rows: FamilySnapshot
  /** Every audit row so far. */
  readonly audit: AuditRecord[]
  /** Time passes (or, below 0, the clock is set back). */
  later(seconds: number): void
  /** Presents the token of a generation and commits what was decided. By default by its client, with its proof. */
  present(generation: number, by?: Presenter): RefreshDecision
  /** The same without committing: what another node decides at the same moment. */
  judge(generation: number, by?: Presenter): RefreshDecision
}

export interface Presenter {
  readonly client?: Client
  /** The key of the proof; `null`: without one. */
  readonly jkt?: string | null
  /** Another salt than the family's: the tag is right, the MAC is not. */
  readonly salt?: Buffer
}

export function sampleLogin(
  more: { bound?: boolean; refresh?: Partial<Client['refresh']>; client?: Partial<Client>; issuer?: Issuer } = {},
): SampleLogin {
  const plain = sampleClient(more.client)
  const client = { ...plain, refresh: { ...plain.refresh, ...more.refresh } }
  const jkt = more.bound ? sampleThumbprint : undefined
  const login: SampleLogin = {
    rows: sampleSignIn({ client, jkt, ...(more.issuer && { issuer: more.issuer }) }),
    audit: [],
    later(seconds) {
      login.rows = { ...login.rows, now: login.rows.now + seconds * 1000 }
    },
    judge(generation, by = {}) {
      const { family } = login.rows
      const text = deriveRefreshToken(
        { id: 1, key: sampleKey },
        { ...family, salt: by.salt ?? family.salt, generation },
      )
      const token = openRefreshToken(text, () => sampleKey)
      if (typeof token === 'string') throw new Error(token)
      return redeemRefreshToken({
        token,
        snapshot: login.rows,
        client: authenticated(by.client ?? login.rows.client),
        jkt: by.jkt === undefined ? jkt : (by.jkt ?? undefined),
        device: sampleDevice,
      })
    },
    present(generation, by) {
      const decision = login.judge(generation, by)
      if (decision.change === undefined) return decision
      const after = committed(login.rows, decision.change)
      if (after === 'conflict') throw new Error('conflict')
      login.rows = after
      login.audit.push(...decision.change.audit)
      return decision
    },
  }
  return login
}

/** The generation of the refresh token in the answer; `'unchanged'` if there is none, or the reason of the refusal. */
export function answered(decision: RefreshDecision): number | string {
  const { outcome } = decision
  return outcome.refused ? outcome.reason : (outcome.generation ?? 'unchanged')
}
