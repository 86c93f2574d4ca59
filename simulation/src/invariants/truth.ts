import type { Family } from '@countersign/core'
import type { AccessTokenClaims } from '@countersign/protocol'
import type { Applied } from '../history/applied.ts'

/** What is so, by what the store has applied and still holds; written down independently of the rules. */
export interface Truth {
  /** When what the family was authorised under was first revoked. */
  familyRevokedAt(familyId: string): number | undefined
  /** When an access token was first revoked; `undefined`: it stands. */
  tokenRevokedAt(claims: AccessTokenClaims, kid: string): number | undefined
  familyExists(familyId: string): boolean
  /** When what a code was begun under was first revoked. */
  codeRevokedAt(hash: string): number | undefined
  isBound(familyId: string): boolean
}

interface KnownFamily {
  readonly userId: string
  readonly sessionId: string
  readonly clientId: string
  readonly userEpoch: number
  readonly grantEpoch: number | undefined
}

export function truthOf(log: readonly Applied[], lost: readonly Applied[] = []): Truth {
  const families = new Map<string, KnownFamily>()
  /** Of all families that ever were, also of those that the store has forgotten. */
  const bound = new Map<string, boolean>()
  const familyEnds = new Map<string, number>()
  const sessionEnds = new Map<string, number>()
  const named = new Map<string, number>()
  const userEpochs = new Map<string, { epoch: number; time: number }[]>()
  const grantEpochs = new Map<string, { epoch: number; time: number }[]>()
  const codes = new Map<string, KnownFamily>()
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
        const { id, endedAt } = write.row
        families.set(id, knownOf(write.row))
        if (endedAt !== null && !familyEnds.has(id)) familyEnds.set(id, time)
      }
      if (write.table === 'session' && write.row.endedAt !== null && !sessionEnds.has(write.row.id)) {
        sessionEnds.set(write.row.id, time)
      }
      if (write.table === 'user') raise(listOf(userEpochs, write.row.id), write.row.epoch, time)
      if (write.table === 'grant') {
        const { userId, clientId, epoch } = write.row
        raise(listOf(grantEpochs, `${userId} ${clientId}`), epoch, time)
      }
      if (write.table === 'code') codes.set(write.row.hash, knownOf(write.row))
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

  const outlivedAt = ({ userId, clientId, sessionId, userEpoch, grantEpoch }: KnownFamily): number | undefined =>
    earliest(
      sessionEnds.get(sessionId),
      raisedAbove(userEpochs.get(userId) ?? [], userEpoch),
      grantRaisedAt(userId, clientId, grantEpoch),
    )

  /** When what the user has allowed the client was taken back; `undefined` too if nobody had to allow it. */
  const grantRaisedAt = (userId: string, clientId: string, epoch: number | undefined): number | undefined =>
    epoch === undefined ? undefined : raisedAbove(grantEpochs.get(`${userId} ${clientId}`) ?? [], epoch)

  const familyRevokedAt = (familyId: string): number | undefined => {
    const family = families.get(familyId)
    return family && earliest(familyEnds.get(familyId), outlivedAt(family))
  }

  return {
    familyRevokedAt,
    codeRevokedAt(hash) {
      const code = codes.get(hash)
      return code && outlivedAt(code)
    },
    tokenRevokedAt({ sid, fam, jti, sub, client_id, epo }, kid) {
      return earliest(
        fam === undefined ? undefined : familyEnds.get(fam),
        sid === undefined ? undefined : sessionEnds.get(sid),
        named.get(`token ${jti}`),
        named.get(`key ${kid}`),
        raisedAbove(userEpochs.get(sub) ?? [], epo?.user ?? 0),
        raisedAbove(allEpochs, epo?.all ?? 0),
        grantRaisedAt(sub, client_id, epo?.grant),
      )
    },
    familyExists: id => families.has(id),
    isBound: id => bound.get(id) === true,
  }
}

function knownOf(row: Pick<Family, 'userId' | 'clientId' | 'sessionId' | 'epochs'>): KnownFamily {
  const { userId, clientId, sessionId, epochs } = row
  return { userId, clientId, sessionId, userEpoch: epochs.user ?? 0, grantEpoch: epochs.grant }
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}
