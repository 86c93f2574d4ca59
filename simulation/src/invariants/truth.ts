import type { AccessTokenClaims } from '@countersign/protocol'
import type { Applied } from '../history/applied.ts'

/** What is so, by what the store has applied and still holds; written down independently of the rules. */
export interface Truth {
  /** When what the family was authorised under was first revoked. */
  familyRevokedAt(familyId: string): number | undefined
  /** When an access token was first revoked; `undefined`: it stands. */
  tokenRevokedAt(claims: AccessTokenClaims, kid: string): number | undefined
  familyExists(familyId: string): boolean
  isBound(familyId: string): boolean
}

interface KnownFamily {
  readonly userId: string
  readonly sessionId: string
  readonly userEpoch: number
}

export function truthOf(log: readonly Applied[], lost: readonly Applied[] = []): Truth {
  const families = new Map<string, KnownFamily>()
  /** Of all families that ever were, also of those that the store has forgotten. */
  const bound = new Map<string, boolean>()
  const familyEnds = new Map<string, number>()
  const sessionEnds = new Map<string, number>()
  const named = new Map<string, number>()
  const userEpochs = new Map<string, { epoch: number; time: number }[]>()
  const allEpochs: { epoch: number; time: number }[] = []

  const raise = (list: { epoch: number; time: number }[], epoch: number, time: number): void => {
    if ((list.at(-1)?.epoch ?? 0) < epoch) list.push({ epoch, time })
  }

  for (const { change } of [...log, ...lost]) {
    for (const write of change.writes) if (write.table === 'family') bound.set(write.row.id, write.row.jkt !== null)
  }
  for (const { change, time } of log) {
    for (const write of change.writes) {
      if (write.table === 'family') {
        const { id, userId, sessionId, endedAt, epochs } = write.row
        families.set(id, { userId, sessionId, userEpoch: epochs.user ?? 0 })
        if (endedAt !== null && !familyEnds.has(id)) familyEnds.set(id, time)
      }
      if (write.table === 'session' && write.row.endedAt !== null && !sessionEnds.has(write.row.id)) {
        sessionEnds.set(write.row.id, time)
      }
      if (write.table === 'user') {
        const list = userEpochs.get(write.row.id) ?? []
        userEpochs.set(write.row.id, list)
        raise(list, write.row.epoch, time)
      }
      if (write.table === 'issuer') raise(allEpochs, write.row.epoch, time)
    }
    for (const entry of change.entries) {
      const key = `${entry.kind} ${entry.id}`
      if ((entry.kind === 'token' || entry.kind === 'key') && !named.has(key)) named.set(key, time)
    }
  }

  const raisedAbove = (list: readonly { epoch: number; time: number }[], epoch: number): number | undefined =>
    list.find(one => one.epoch > epoch)?.time

  const earliest = (...times: readonly (number | undefined)[]): number | undefined => {
    const known = times.filter(time => time !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  const familyRevokedAt = (familyId: string): number | undefined => {
    const family = families.get(familyId)
    if (family === undefined) return undefined
    return earliest(
      familyEnds.get(familyId),
      sessionEnds.get(family.sessionId),
      raisedAbove(userEpochs.get(family.userId) ?? [], family.userEpoch),
    )
  }

  return {
    familyRevokedAt,
    tokenRevokedAt({ sid, fam, jti, sub, epo }, kid) {
      return earliest(
        fam === undefined ? undefined : familyEnds.get(fam),
        sid === undefined ? undefined : sessionEnds.get(sid),
        named.get(`token ${jti}`),
        named.get(`key ${kid}`),
        raisedAbove(userEpochs.get(sub) ?? [], epo?.user ?? 0),
        raisedAbove(allEpochs, epo?.all ?? 0),
      )
    },
    familyExists: id => families.has(id),
    isBound: id => bound.get(id) === true,
  }
}
