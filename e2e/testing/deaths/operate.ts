import { isRefusal } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { expect } from 'vitest'

/** What an operator does, or a node by itself: true if it came to its end. */
export async function isDone(operate: Promise<unknown>): Promise<boolean> {
  try {
    const outcome = await operate
    expect(typeof outcome === 'object' && outcome !== null && isRefusal(outcome)).toBe(false)
    return true
  } catch (error) {
    if (error instanceof StoreUnavailable) return false
    throw error
  }
}
