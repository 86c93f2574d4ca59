import { describe, expect, test } from 'vitest'
import { storeContract } from './contract-suite.ts'
import { createMemoryStore } from './memory-store.ts'

describe('the store in memory', () => {
  storeContract(
    { describe, test, expect },
    {
      reopens: false,
      async open(options) {
        const store = createMemoryStore(options)
        return { store, reopen: async () => store, discard: () => store.close() }
      },
    },
  )
})
