import type { Counters } from '@countersign/store'
import type { Redis } from 'ioredis'
import type { Lane } from './lane.ts'

/** A token bucket under one key, by the server's clock: tokens left, and when that was. Forgotten once it would be full again. */
const bucketText = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local attempts, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local tokens, asOf = attempts, now
local stored = redis.call('HMGET', KEYS[1], 'tokens', 'time')
if stored[1] then
  asOf = math.min(tonumber(stored[2]), now)
  tokens = math.min(attempts, tonumber(stored[1]) + (now - asOf) * attempts / window)
elseif ARGV[3] == 'give back' then
  return {1, 0}
end`

const keepText = `
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'time', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(window))`

const takeText = `${bucketText}
if tokens < 1 then return {0, math.ceil((1 - tokens) * window / attempts / 1000)} end
tokens = tokens - 1
${keepText}
return {1, 0}`

const giveBackText = `${bucketText}
tokens = tokens + 1
if tokens >= attempts then redis.call('DEL', KEYS[1]) return {1, 0} end
${keepText}
return {1, 0}`

/**
 * Counts of attempts over all nodes. Each node counts for itself as well, and refuses by its own count: so a server that is away, paused or emptied
 * leaves every node with the limit that it has alone, and a flood at one node does not reach the server.
 */
export function createSharedCounters(own: Counters, lane: Lane, namespace: string): Counters {
  const keyOf = (kind: string, key: string): string => `countersign ${namespace} ${kind} ${key}`
  const run = (text: string, key: string, ...values: readonly (string | number)[]) =>
    lane.ask((valkey: Redis) => valkey.eval(text, 1, key, ...values))

  return {
    async take(limit, key) {
      const here = await own.take(limit, key)
      if (!here.allowed) return here
      const asked = await run(takeText, keyOf(limit.kind, key), limit.attempts, limit.windowSeconds * 1000, 'take')
      if (asked === undefined) return here
      const [allowed, retryAfterSeconds] = asked.answer as [number, number]
      if (allowed === 1) return here
      // Refused attempts are counted nowhere, so waiting always helps.
      await own.giveBack(limit, key)
      return { allowed: false, retryAfterSeconds }
    },
    async giveBack(limit, key) {
      await own.giveBack(limit, key)
      await run(giveBackText, keyOf(limit.kind, key), limit.attempts, limit.windowSeconds * 1000, 'give back')
    },
    async clear(limit, key) {
      await own.clear(limit, key)
      await lane.ask(valkey => valkey.del(keyOf(limit.kind, key)))
    },
    async remember(key, seconds) {
      await own.remember(key, seconds)
      await lane.ask(valkey => valkey.set(keyOf('remembered', key), '', 'PX', seconds * 1000))
    },
    async remembers(key) {
      if (await own.remembers(key)) return true
      const asked = await lane.ask(valkey => valkey.exists(keyOf('remembered', key)))
      return asked?.answer === 1
    },
  }
}
