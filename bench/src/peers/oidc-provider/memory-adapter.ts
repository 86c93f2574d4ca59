import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider'

/** A plain Map without bound or expiry: the cheapest store there can be. Only what the refresh grant uses. */
export function memoryAdapters(): AdapterConstructor {
  return class implements Adapter {
    readonly records = new Map<string, AdapterPayload>()
    async upsert(id: string, payload: AdapterPayload): Promise<void> {
      this.records.set(id, payload)
    }
    async find(id: string): Promise<AdapterPayload | undefined> {
      return this.records.get(id)
    }
    async consume(id: string): Promise<void> {
      const record = this.records.get(id)
      if (record) record.consumed = Math.floor(Date.now() / 1000)
    }
    async destroy(id: string): Promise<void> {
      this.records.delete(id)
    }
    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [id, record] of this.records) if (record.grantId === grantId) this.records.delete(id)
    }
    async findByUid(): Promise<undefined> {}
    async findByUserCode(): Promise<undefined> {}
  }
}
