import type { Adapter, AdapterConstructor } from 'oidc-provider'

/** oidc-provider makes an adapter of a class, by the name of a model; this is one whose methods are those of `adapterOf`. */
export function adapterOfModels(adapterOf: (model: string) => Adapter): AdapterConstructor {
  return class implements Adapter {
    declare upsert: Adapter['upsert']
    declare find: Adapter['find']
    declare findByUid: Adapter['findByUid']
    declare findByUserCode: Adapter['findByUserCode']
    declare consume: Adapter['consume']
    declare destroy: Adapter['destroy']
    declare revokeByGrantId: Adapter['revokeByGrantId']
    constructor(model: string) {
      Object.assign(this, adapterOf(model))
    }
  }
}

/** What is in a table beside the payload, in the order of its columns: grant, uid, user code. */
export function referencesOf({ grantId, uid, userCode }: Parameters<Adapter['upsert']>[1]): readonly (string | null)[] {
  return [grantId ?? null, uid ?? null, userCode ?? null]
}
