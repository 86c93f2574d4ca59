import type { FeedPosition } from '@countersign/protocol'

/** Whether two positions are of one incarnation of the feed, so that they can be compared. */
export function isSameIncarnation(one: FeedPosition, other: FeedPosition): boolean {
  return incarnation(one) === incarnation(other)
}

function incarnation(position: FeedPosition): string {
  const dot = position.lastIndexOf('.')
  return dot < 0 ? position : position.slice(0, dot)
}

/** Of two positions of one incarnation. */
export function isBefore(one: FeedPosition, other: FeedPosition): boolean {
  return numberIn(one) < numberIn(other)
}

function numberIn(position: FeedPosition): number {
  return Number(position.slice(position.lastIndexOf('.') + 1))
}
