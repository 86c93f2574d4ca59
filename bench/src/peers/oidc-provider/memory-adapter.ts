import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider'

/** A plain Map without bound or expiry: the cheapest store there can be. Only what the benchmarks use. */
export function memoryAdapters(): AdapterConstructor {
  return class implements Adapter {
    readonly records = new Map<string, AdapterPayload>()
    readonly byUid = new Map<string, string>()
    async upsert(id: string, payload: AdapterPayload): Promise<void> {
      if (payload.uid !== undefined) this.byUid.set(payload.uid, id)
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
    async findByUid(uid: string): Promise<AdapterPayload | undefined> {
      return this.records.get(this.byUid.get(uid) ?? '')
    }
    async findByUserCode(): Promise<undefined> {}
  }
}
