import type { Epochs } from '@countersign/protocol'

/** True if any epoch that something was authorised under has been raised since (design: revocation). */
export function isOutlived(authorisedUnder: Epochs, now: Epochs): boolean {
  return (
    authorisedUnder.all < now.all ||
    isLower(authorisedUnder.user, now.user) ||
    isLower(authorisedUnder.client, now.client) ||
    isLower(authorisedUnder.grant, now.grant)
  )
}

function isLower(then: number | undefined, now: number | undefined): boolean {
  return then !== undefined && now !== undefined && then < now
}

/** The epochs of the rows that authorise, as they are now. */
export function currentEpochs(rows: {
  issuer: { epoch: number }
  user?: { epoch: number }
  client?: { epoch: number }
  grant?: { epoch: number } | undefined
}): Epochs {
  return {
    all: rows.issuer.epoch,
    ...(rows.user && { user: rows.user.epoch }),
    ...(rows.client && { client: rows.client.epoch }),
    ...(rows.grant && { grant: rows.grant.epoch }),
  }
}
