import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeContract } from '@countersign/store/contract-suite'
import { describe, expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'

describe('the store on SQLite', () => {
  storeContract(
    { describe, test, expect },
    {
      reopens: true,
      async open(options) {
        const folder = await mkdtemp(join(tmpdir(), 'countersign-store-'))
        const open = () => openSqliteStore({ ...options, file: join(folder, 'countersign.db') })
        let store = await open()
        return {
          store,
          async reopen() {
            await store.close()
            store = await open()
            return store
          },
          async discard() {
            await store.close()
            await rm(folder, { recursive: true })
          },
        }
      },
    },
  )
})
