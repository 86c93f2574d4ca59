import type { Instant } from '@countersign/core'

/** Calls `action` again and again; what it returns stops that. None of them keeps the process alive. */
export type Every = (milliseconds: number, action: () => void) => () => void

export const everyInterval: Every = (milliseconds, action) => {
  const timer = setInterval(action, milliseconds)
  timer.unref()
  return () => clearInterval(timer)
}

/** What arrives in one turn of the event loop goes together. */
export function nextTurn(action: () => void): void {
  setImmediate(action)
}

/** Calls `action` once, unless what it returns is called before. */
export function after(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds)
  return () => clearTimeout(timer)
}

export const systemClock: () => Instant = Date.now
