import type { RegisteredText, RingRegister } from './ring-register.ts'

/** A register in memory, for tests: nodes of one process share it. */
export function createMemoryRegister(): RingRegister {
  let standing: RegisteredText | undefined
  let replaced = 0
  const listeners = new Set<() => void>()
  return {
    read: async () => standing,
    async replace(text, stamp) {
      if (standing?.stamp !== stamp) return 'conflict'
      standing = { text, stamp: String(replaced++) }
      for (const listener of listeners) listener()
      return 'committed'
    },
    watch(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: async () => {},
  }
}
