import { setTimeout } from 'node:timers/promises'
import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider'

/**
 * Its store. Each call takes a millisecond, as with any database that is not in the process: without, one process
 * would never have two requests between reading a token and consuming it, and production has more than one process.
 */
export function adapters(): AdapterConstructor {
  return class implements Adapter {
    readonly records = new Map<string, AdapterPayload>()
    async upsert(id: string, payload: AdapterPayload): Promise<void> {
      await setTimeout(1)
      this.records.set(id, payload)
    }
    async find(id: string): Promise<AdapterPayload | undefined> {
      await setTimeout(1)
      const record = this.records.get(id)
      return record && { ...record }
    }
    async consume(id: string): Promise<void> {
      await setTimeout(1)
      const record = this.records.get(id)
      if (record) record.consumed = Math.floor(Date.now() / 1000)
    }
    async destroy(id: string): Promise<void> {
      await setTimeout(1)
      this.records.delete(id)
    }
    async revokeByGrantId(grantId: string): Promise<void> {
      await setTimeout(1)
      for (const [id, record] of this.records) if (record.grantId === grantId) this.records.delete(id)
    }
    async findByUid(): Promise<undefined> {}
    async findByUserCode(): Promise<undefined> {}
  }
}
