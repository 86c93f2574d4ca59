import {
  type Client,
  currentEpochs,
  type Family,
  type Grant,
  type Identity,
  type Instant,
  type Issuer,
  isOutlived,
  type Session,
  type User,
} from '@countersign/core'
import type { SessionWithFamilies, SweepLimits } from './store.ts'

/*
 * When a login is over, for lists and for the sweep. Engines share it, so that they forget the same rows. Whether a refresh
 * is allowed is not asked here: that is the core's table.
 */

/** When a family ended or will end if nobody uses it any more: its end, its session's, the absolute end, idleness. */
export function familyOverAt(family: Family, rows: { session: Session; client: Client; issuer: Issuer }): Instant {
  const { session, client, issuer } = rows
  const idleSince = Math.max(family.rotatedAt, issuer.restoredAt ?? 0)
  return Math.min(
    family.endedAt ?? Number.POSITIVE_INFINITY,
    family.absoluteEndAt,
    sessionOverAt(session),
    idleSince + client.lifetimes.idleSeconds * 1000,
  )
}

/** When a session ended or will end at the latest. */
export function sessionOverAt(session: Session): Instant {
  return Math.min(session.endedAt ?? Number.POSITIVE_INFINITY, session.absoluteEndAt)
}

/** The order of `listIdentities`. */
export function inOrderOfLinking(one: Identity, other: Identity): number {
  const names = (identity: Identity): string => `${identity.connection} ${identity.subject}`
  return one.linkedAt - other.linkedAt || (names(one) < names(other) ? -1 : 1)
}

/** True if what was over at `overAt` need not be kept any more. */
export function isForgettable(overAt: Instant, now: Instant, limits: SweepLimits): boolean {
  return now - overAt > limits.keepEndedSeconds * 1000
}

/**
 * True if a session without families can go. One of the hosted pages lives on its own; a login of one client is over with
 * its family, which the sweep has judged before.
 */
export function isSessionForgettable(session: Session, now: Instant, limits: SweepLimits): boolean {
  const overAt =
    session.clientId === null ? sessionOverAt(session) : Math.min(sessionOverAt(session), session.createdAt)
  return isForgettable(overAt, now, limits)
}

/** The session as it is listed: with the families that live. `undefined` if it is over itself. */
export function livingSession(
  session: Session,
  families: readonly { family: Family; client: Client; grant: Grant | undefined }[],
  rows: { now: Instant; issuer: Issuer; user: User },
): SessionWithFamilies | undefined {
  const { now, issuer, user } = rows
  if (now >= sessionOverAt(session) || (session.epochs.user ?? 0) < user.epoch) return undefined
  const living = families.filter(({ family, client, grant }) => {
    const authorities = { ...currentEpochs({ issuer, user, client, grant }), all: family.epochs.all }
    return now < familyOverAt(family, { session, client, issuer }) && !isOutlived(family.epochs, authorities)
  })
  // A login of one client is nothing without its family: it went idle, or its client was revoked.
  if (session.clientId !== null && living.length === 0) return undefined
  return { session, families: living.map(({ family }) => family) }
}

/** Newest first; the same order in every engine. */
export function newestFirst(one: SessionWithFamilies, other: SessionWithFamilies): number {
  const { session: a } = one
  const { session: b } = other
  return b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)
}

/** True if the user still allows it. */
export function standingGrant({ withdrawnAt }: Grant): boolean {
  return withdrawnAt === null
}

/** The latest consent first; the same order in every engine. */
export function latestFirst(one: Grant, other: Grant): number {
  return other.allowedAt - one.allowedAt || (one.clientId < other.clientId ? -1 : 1)
}
