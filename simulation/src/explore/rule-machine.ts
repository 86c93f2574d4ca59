import {
  type AuthenticatedClient,
  type Change,
  declareClient,
  deriveRefreshToken,
  type Family,
  type FamilySnapshot,
  type OpenedRefreshToken,
  openLogin,
  openRefreshToken,
  type RefreshDecision,
  type RefreshRequest,
  redeemRefreshToken,
  type User,
} from '@countersign/core'
import { createDice } from '../world/dice.ts'
import { epoch } from '../world/disk.ts'

/** The real decision function over one login, in the form of a function from small values to small values. */
export interface RuleMachine {
  readonly first: Family
  /** `row` and, if there is one, the family that the decision wants, and whether that must be on disk. */
  decide(family: Family, generation: number, seconds: number): Decided
}

export interface Decided {
  readonly row: number
  readonly refused: boolean
  /** Of the refresh token in the answer. */
  readonly given: number | undefined
  readonly wants: Family | undefined
  readonly durable: boolean
  readonly audited: boolean
}

const device = { label: 'explorer', ip: '192.0.2.1' }
const key = { id: 1, key: Buffer.alloc(32, 3) }
const proofKey = 'thumbprint of the key'

export function createRuleMachine(
  bound: boolean,
  judge: (request: RefreshRequest) => RefreshDecision = redeemRefreshToken,
): RuleMachine {
  const { bytes } = createDice('explorer')
  const client = declareClient({ id: 'app', version: 1 })
  const issuer = { epoch: 1, incarnation: 'explorer', restoredAt: null, longestAccessTokenSeconds: 900, version: 1 }
  const user = { id: 'AZxSample-User--000001', disabledAt: null, deletedAt: null, epoch: 1, version: 1 } as User
  const opened = openLogin({
    snapshot: { now: epoch, issuer },
    user,
    client,
    device,
    amr: ['pwd'],
    random: bytes,
    scope: 'account',
    jkt: bound ? proofKey : undefined,
  })
  const session = { ...opened.session, version: 1 }
  const tokens: OpenedRefreshToken[] = []
  const known = new Map<string, Decided>()

  function tokenOf(generation: number): OpenedRefreshToken {
    const made =
      tokens[generation] ?? openRefreshToken(deriveRefreshToken(key, { ...opened.family, generation }), () => key.key)
    if (typeof made === 'string') throw new Error(`our own token is ${made}`)
    tokens[generation] = made
    return made
  }

  return {
    first: { ...opened.family, version: 1 },
    decide(family, generation, seconds) {
      const name = `${generation} ${seconds} ${familyName(family)}`
      const before = known.get(name)
      if (before !== undefined) return before
      const ended = { ...session, endedAt: family.endedAt, endReason: family.endReason }
      const snapshot: FamilySnapshot = {
        now: epoch + seconds * 1000,
        issuer,
        user,
        client,
        grant: undefined,
        session: ended,
        family,
      }
      const decision = judge({
        token: tokenOf(generation),
        snapshot,
        client: client as AuthenticatedClient,
        jkt: bound ? proofKey : undefined,
        device,
      })
      const decided = decidedOf(decision)
      known.set(name, decided)
      return decided
    },
  }
}

function decidedOf({ row, outcome, change }: RefreshDecision): Decided {
  return {
    row,
    refused: outcome.refused === true,
    given: outcome.refused ? undefined : outcome.generation,
    wants: change && familyIn(change),
    durable: change?.durable ?? false,
    audited: (change?.audit.length ?? 0) > 0,
  }
}

function familyIn(change: Change): Family | undefined {
  const write = change.writes.find(({ table }) => table === 'family')
  return write?.table === 'family' ? write.row : undefined
}

/** All of a family that changes. */
export function familyName({
  generation,
  rotatedAt,
  creditSpentAt,
  flaggedAt,
  leakedAt,
  endedAt,
  version,
}: Family): string {
  return [generation, rotatedAt, creditSpentAt, flaggedAt, leakedAt, endedAt, version].join(' ')
}
