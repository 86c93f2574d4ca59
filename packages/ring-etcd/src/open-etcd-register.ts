import { type RegisteredText, type RingRegister, StoreUnavailable } from '@countersign/store'
import { createEtcdClient, type EtcdClient, type EtcdClientOptions } from './etcd-client.ts'
import type { EtcdAddress } from './etcd-url.ts'

export interface EtcdRegisterOptions
  extends EtcdAddress,
    Partial<Pick<EtcdClientOptions, 'answerMilliseconds' | 'chance'>> {
  /** Between attempts to follow the key again. */
  readonly patienceMilliseconds?: number
}

/** One key: written on the condition of its revision, read through the quorum, watched. */
export function openEtcdRegister(options: EtcdRegisterOptions): RingRegister {
  const { patienceMilliseconds = 500 } = options
  const key = base64(options.path)
  const listeners = new Set<() => void>()
  let following: AbortController | undefined
  let retry: NodeJS.Timeout | undefined

  const client: EtcdClient = createEtcdClient({
    answerMilliseconds: 4_000,
    chance: Math.random(),
    ...options,
    // Where one request has no answer the stream may be dead as well, and would not say so.
    onFailure: () => following?.abort(),
  })

  /** Looks on for as long as somebody listens. */
  function follow(): void {
    if (listeners.size === 0 || following !== undefined) return
    const own = new AbortController()
    following = own
    const request = { create_request: { key } }
    // The first line says that it has begun: nobody knows what happened before.
    const tell = (): void => {
      for (const listener of listeners) listener()
    }
    client.follow('/v3/watch', request, tell, own.signal).catch(() => {
      following = undefined
      if (listeners.size === 0) return
      retry = setTimeout(follow, patienceMilliseconds)
      retry.unref()
    })
  }

  function stop(): void {
    clearTimeout(retry)
    following?.abort()
  }

  return {
    read: () => read(client, key),
    replace: (text, stamp) => replace(client, { key, text, stamp }),
    watch(listener) {
      listeners.add(listener)
      follow()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) stop()
      }
    },
    async close() {
      listeners.clear()
      stop()
    },
  }
}

async function read(client: EtcdClient, key: string): Promise<RegisteredText | undefined> {
  const { kvs = [] } = (await client.ask('/v3/kv/range', { key })) as {
    kvs?: readonly { value?: string; mod_revision?: string }[]
  }
  const [found] = kvs
  if (found === undefined) return undefined
  if (found.value === undefined || found.mod_revision === undefined)
    throw new StoreUnavailable('etcd answers nonsense.')
  return { text: Buffer.from(found.value, 'base64').toString(), stamp: found.mod_revision }
}

/** What is not there was never modified. */
const never = '0'

async function replace(
  client: EtcdClient,
  { key, text, stamp }: { key: string; text: string; stamp: string | undefined },
): Promise<'committed' | 'conflict'> {
  const { succeeded } = await client.askOnce('/v3/kv/txn', {
    compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: stamp ?? never }],
    success: [{ request_put: { key, value: base64(text) } }],
  })
  return succeeded === true ? 'committed' : 'conflict'
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
