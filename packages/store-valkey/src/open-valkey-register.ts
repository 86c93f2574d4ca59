import { randomUUID } from 'node:crypto'
import { type RegisteredText, type RingRegister, StoreUnavailable } from '@countersign/store'
import { type Redis, ReplyError } from 'ioredis'
import { type Address, connect, isOfReplica, isOfRights, leadOn, watchSubscriptions } from './connect.ts'
import type { ValkeyAddress } from './ring-url.ts'

export interface ValkeyRegisterOptions extends ValkeyAddress {
  /** How long a connection, and then an answer, is waited for. Default: 4,000. */
  readonly answerMilliseconds?: number
  /** Between attempts to connect, at most. Default: 500. */
  readonly patienceMilliseconds?: number
  /** Told when the server does not let us listen, once until it does. */
  readonly onDeaf?: () => void
}

/*
 * One hash: the text, and a stamp that is made anew at each write, so that none comes back after the server was emptied. Both scripts write, if only that
 * nothing ends the key: a replica, which may lag behind, refuses them. What a script has written before a command of it is refused stays: so what may need another
 * right comes first. Nobody reads before the script has ended. What is far too long for a ring does not leave the server: any process that read it would grow by it.
 */
const bytesAtMost = 1024 * 1024
const tooLong = 'COUNTERSIGN too long'
const readText = `
redis.call('PERSIST', KEYS[1])
local found = redis.call('HMGET', KEYS[1], 'text', 'stamp')
if #(found[1] or '') + #(found[2] or '') > ${bytesAtMost} then return redis.error_reply('${tooLong}') end
return found`

const replaceText = `
local standing = redis.call('HGET', KEYS[1], 'stamp') or ''
if standing ~= ARGV[1] then return 0 end
redis.call('PERSIST', KEYS[1])
redis.call('PUBLISH', KEYS[1], '')
redis.call('HSET', KEYS[1], 'text', ARGV[2], 'stamp', ARGV[3])
return 1`

/**
 * One key, written on the condition of its stamp, and a channel of the same name. What the server forgets (restarted without its disk, emptied, a failover)
 * comes back from the store's copy: whoever uses a register holds that it was not used before it was copied (`ringInRegister`).
 */
export function openValkeyRegister(options: ValkeyRegisterOptions): RingRegister {
  const { path, answerMilliseconds = 4_000, patienceMilliseconds = 500 } = options
  const address = addressOf(options)
  const waits = {
    connectTimeout: answerMilliseconds,
    commandTimeout: answerMilliseconds,
    retryMilliseconds: patienceMilliseconds,
  }
  const listeners = new Set<() => void>()
  const subscriptions = watchSubscriptions(options.onDeaf)
  /** Who asks had to connect anew, and may have been led on to another server. */
  let isLedOn = false
  let asking = connectToAsk()
  let connecting: Promise<void> | undefined
  let listening: Redis | undefined

  function connectToAsk(): Redis {
    return connect(address, waits).on('close', () => {
      isLedOn = true
    })
  }

  function listen(): Redis {
    const made = connect(address, waits)
    const tell = (): void => {
      for (const listener of listeners) listener()
    }
    made.on('message', tell)
    made.on('ready', () => {
      const subscribed = made.subscribe(path).then(subscriptions.succeeded, error => subscriptions.failed(made, error))
      // Nobody knows what happened before.
      void subscribed.then(tell)
    })
    return made
  }

  /** Where one request has no answer both connections may be dead, and would not say so. */
  function connectAnew(): void {
    asking.disconnect()
    asking = connectToAsk()
    if (listening === undefined) return
    listening.disconnect()
    listening = listen()
  }

  async function run(script: string, ...values: readonly string[]): Promise<unknown> {
    const own = asking
    try {
      if (own.status !== 'ready') {
        connecting ??= isReady(own, answerMilliseconds).finally(() => {
          connecting = undefined
        })
        await connecting
      }
      const answer = await own.eval(script, 1, path, ...values)
      if (isLedOn && listening !== undefined) leadOn(listening)
      isLedOn = false
      return answer
    } catch (error) {
      if (error instanceof ReplyError) throw refused(error as Error)
      if (own === asking && own.status === 'ready') connectAnew()
      throw new StoreUnavailable('The key ring is out of reach: Valkey does not answer.')
    }
  }

  return {
    async read(): Promise<RegisteredText | undefined> {
      const [text, stamp] = (await run(readText)) as (string | null)[]
      return typeof text === 'string' && typeof stamp === 'string' ? { text, stamp } : undefined
    },
    async replace(text, stamp) {
      return (await run(replaceText, stamp ?? '', text, randomUUID())) === 1 ? 'committed' : 'conflict'
    },
    watch(listener) {
      const own = (): void => listener()
      listeners.add(own)
      listening ??= listen()
      return () => void listeners.delete(own)
    },
    async close() {
      listeners.clear()
      asking.disconnect()
      listening?.disconnect()
    },
  }
}

function addressOf({ server: { host, port }, credentials, isSecure }: ValkeyAddress): Address {
  const [username = '', ...password] = (credentials ?? '').split(':')
  const named = username === '' ? {} : { username }
  const known = credentials === undefined ? {} : { password: password.join(':') }
  return { host, port, ...named, ...known, ...(isSecure && { tls: {} }) }
}

/** Waited for as an answer is; who is refused is told at once. */
function isReady(valkey: Redis, milliseconds: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const giveUp = (): void => reject(new Error('no connection'))
  const failed = (error: unknown): void => {
    if (error instanceof ReplyError) reject(error)
  }
  const timer = setTimeout(giveUp, milliseconds)
  valkey.once('ready', resolve).once('end', giveUp).on('error', failed)
  return promise.finally(() => {
    clearTimeout(timer)
    valkey.off('ready', resolve).off('end', giveUp).off('error', failed)
  })
}

/** Nothing of what it says: with it comes what it was asked, a password too. */
function refused(error: Error): StoreUnavailable {
  return new StoreUnavailable(
    isOfRights(error)
      ? 'Valkey does not let this user read or write the key ring.'
      : isOfReplica(error)
        ? 'The Valkey of the key ring is a replica.'
        : error.message.includes(tooLong)
          ? 'What stands in Valkey in the place of the key ring is too long for one.'
          : 'Valkey refuses what was asked of it.',
  )
}
