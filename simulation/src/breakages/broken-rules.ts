import {
  endLogin,
  type FamilySnapshot,
  type RefreshDecision,
  type RefreshRequest,
  redeemRefreshToken,
} from '@countersign/core'
import { refuse } from '@countersign/protocol'
import type { Breakage } from './breakage.ts'

/** The refresh rule with one thing changed. */
function rule(
  name: Breakage['name'],
  focus: Breakage['focus'],
  judge: (request: RefreshRequest) => RefreshDecision,
): Breakage {
  return { name, focus, judgeRefresh: () => judge }
}

function withClient(request: RefreshRequest, refresh: Partial<FamilySnapshot['client']['refresh']>): RefreshRequest {
  const { client } = request.snapshot
  return {
    ...request,
    snapshot: { ...request.snapshot, client: { ...client, refresh: { ...client.refresh, ...refresh } } },
  }
}

function asReuse({ snapshot }: RefreshRequest): RefreshDecision {
  const change = endLogin(snapshot, 'refresh_token_reused')
  return { row: 10, outcome: refuse('refresh_token_reused'), ...(change && { change }) }
}

export const brokenRules: readonly Breakage[] = [
  rule('the epochs are not asked at redemption', { troubles: ['user', 'operator'] }, request => {
    const { family, session, user, client, issuer } = request.snapshot
    const epochs = { all: issuer.epoch, user: user.epoch, client: client.epoch }
    const snapshot = { ...request.snapshot, family: { ...family, epochs }, session: { ...session, epochs } }
    return redeemRefreshToken({ ...request, snapshot })
  }),
  rule('reuse is judged before the MAC', { troubles: ['thief'] }, request => {
    const decision = redeemRefreshToken(request)
    return decision.row === 1 ? asReuse(request) : decision
  }),
  rule('reuse is judged before the proof', { troubles: ['thief'] }, request => {
    const decision = redeemRefreshToken(request)
    return decision.row === 2 ? asReuse(request) : decision
  }),
  rule('the grace has no end', { troubles: ['weather', 'thief'] }, request =>
    redeemRefreshToken(withClient(request, { graceSeconds: 1e9 })),
  ),
  rule('the minimum life is shorter than the grace', { troubles: ['weather'] }, request =>
    redeemRefreshToken(withClient(request, { minimumLifeSeconds: 5 })),
  ),
  rule('there is no grace', { troubles: ['weather'] }, request =>
    redeemRefreshToken(withClient(request, { graceSeconds: 0 })),
  ),
  rule('the credit of a late retry is never used up', { troubles: ['thief', 'weather'] }, request => {
    const { family } = request.snapshot
    return redeemRefreshToken({
      ...request,
      snapshot: { ...request.snapshot, family: { ...family, creditSpentAt: null } },
    })
  }),
  rule('a late retry is forgiven and not written down', { troubles: ['thief'] }, request => {
    const decision = redeemRefreshToken(request)
    if (decision.row !== 9 || decision.change === undefined) return decision
    return { ...decision, change: { ...decision.change, audit: [] } }
  }),
  rule('a fast-forward rotates', { troubles: ['storeCrash', 'restore'] }, request => {
    const decision = redeemRefreshToken(request)
    if (decision.row !== 4 || decision.outcome.refused || decision.change === undefined) return decision
    const family = { ...decision.outcome.family, generation: decision.outcome.family.generation + 1 }
    const change = { ...decision.change, writes: [{ table: 'family' as const, row: family }] }
    return { row: 4, outcome: { family, generation: family.generation }, change }
  }),
  rule('a later generation than the store knows is reuse', { troubles: ['storeCrash', 'restore'] }, request => {
    const decision = redeemRefreshToken(request)
    return decision.row === 4 ? asReuse(request) : decision
  }),
  rule(
    'one generation ahead after a restore is reuse',
    { troubles: ['restore', 'storeCrash', 'storeCrash'], unbound: true },
    request => {
      const { family, issuer } = request.snapshot
      const { restoredAt } = issuer
      const usedSince = restoredAt !== null && family.createdAt <= restoredAt && family.rotatedAt > restoredAt
      const decision = redeemRefreshToken(request)
      return decision.row === 4 && family.jkt === null && usedSince ? asReuse(request) : decision
    },
  ),
  rule('the proof of a bound login counts for nothing', { troubles: ['weather', 'tabs'] }, request => {
    const { family } = request.snapshot
    const decision = redeemRefreshToken({
      ...request,
      snapshot: { ...request.snapshot, family: { ...family, jkt: null } },
    })
    return decision.row === 5 ? redeemRefreshToken(request) : decision
  }),
  {
    ...rule('late repeats of a bound login are not written down', { troubles: ['thief'] }, request => {
      const { change, ...decision } = redeemRefreshToken(request)
      const isNote = decision.row === 7 && change?.audit.length === 0
      return change === undefined || isNote ? decision : { ...decision, change }
    }),
    foundBy: ['two hands with one key that take turns are flagged'],
  },
  rule('a replay is answered with the successor of what was presented', { troubles: ['thief', 'weather'] }, request => {
    const decision = redeemRefreshToken(request)
    if (decision.row !== 7 || decision.outcome.refused) return decision
    return { ...decision, outcome: { ...decision.outcome, generation: request.token.generation + 1 } }
  }),
  {
    name: 'the commit comes before the signature',
    focus: { troubles: ['signing'] },
    judgeRefresh:
      ({ disk }, node) =>
      request => {
        const { change, ...decision } = redeemRefreshToken(request)
        if (change !== undefined) void disk.commit(change, node.name)
        return decision
      },
  },
]
