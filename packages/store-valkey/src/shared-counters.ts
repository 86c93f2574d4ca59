import type { Counted, CounterAnswer, Counters, Together, TogetherAnswer } from '@countersign/store'
import type { Lane } from './lane.ts'

/**
 * Token buckets, each under one key, by the server's clock: tokens left, and when that was. Forgotten once they would be full again. ARGV has two numbers for
 * each: how many, and in how many milliseconds. One of a time to come is as of now, also where the attempt is refused: a clock that was set back would hold it up for as
 * long. What no script of ours has written is none.
 */
const bucketText = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function attempts(i) return tonumber(ARGV[2 * i - 1]) end
local function window(i) return tonumber(ARGV[2 * i]) end
local function keep(i, tokens)
  redis.call('HSET', KEYS[i], 'tokens', tostring(tokens), 'time', now)
  redis.call('PEXPIRE', KEYS[i], math.ceil(window(i)))
end
local function tokens(i)
  local stored = redis.pcall('HMGET', KEYS[i], 'tokens', 'time')
  local left, asOf = tonumber(stored[1]), tonumber(stored[2])
  if not left or not asOf or not (left >= 0) then
    if stored.err or stored[1] or stored[2] then redis.call('DEL', KEYS[i]) end
    return attempts(i), true
  end
  if asOf > now then
    keep(i, left)
    asOf = now
  end
  return math.min(attempts(i), left + (now - asOf) * attempts(i) / window(i)), false
end`

/**
 * After the numbers: under how many all must be, and how many follow that are asked each. Answers with 1 or 0 and the seconds to wait: for all, for each.
 */
const takeText = `${bucketText}
local all, each = tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV])
local function wait(i, left) return math.ceil((1 - left) * window(i) / attempts(i) / 1000) end
for i = 1, all do
  local left = tokens(i)
  if left < 1 then return {0, wait(i, left)} end
end
for i = 1, all do keep(i, tokens(i) - 1) end
local answer = {1, 0}
for i = all + 1, all + each do
  local left = tokens(i)
  local allowed = left >= 1
  if allowed then keep(i, left - 1) end
  table.insert(answer, allowed and 1 or 0)
  table.insert(answer, allowed and 0 or wait(i, left))
end
return answer`

const giveBackText = `${bucketText}
local left, isFull = tokens(1)
if isFull or left + 1 >= attempts(1) then redis.call('DEL', KEYS[1]) else keep(1, left + 1) end`

/**
 * Counts of attempts over all nodes. Each node counts for itself as well, and refuses by its own count: so a server that is away, paused or emptied
 * leaves every node with the limit that it has alone, and a flood at one node does not reach the server. What is remembered lets somebody past a limit, so each
 * node believes itself alone: whoever writes to the server could say it of anybody.
 */
export function createSharedCounters(own: Counters, lane: Lane, namespace: string): Counters {
  // What is in braces says where in a cluster a key is: a script is about several.
  const keyOf = ({ limit, key }: Counted): string => `countersign {${namespace}} ${limit.kind} ${key}`
  const numbersOf = ({ limit }: Counted): number[] => [limit.attempts, limit.windowSeconds * 1000]

  function ask(wanted: Required<Pick<Together, 'all' | 'each'>>): Promise<{ answer: unknown } | undefined> {
    const { all, each } = wanted
    const counted = [...all, ...each]
    const keys = counted.map(keyOf)
    const values = [...counted.flatMap(numbersOf), all.length, each.length]
    return lane.ask(async valkey => {
      const answer = await valkey.eval(takeText, keys.length, ...keys, ...values)
      if (!isAnswer(answer, each.length)) throw new TypeError('an answer that our script does not give')
      return answer
    })
  }

  async function takeTogether(wanted: Together): Promise<TogetherAnswer> {
    const { all, each = [] } = wanted
    const here = await own.takeTogether(wanted)
    if (!here.allowed) return here
    // What is refused here is refused, whatever the others have counted.
    const counted = each.filter((_one, index) => here.each[index]?.allowed)
    const asked = await ask({ all, each: counted })
    if (asked === undefined) return here
    const [answer, ...others] = inPairs(asked.answer as number[]) as [CounterAnswer, ...CounterAnswer[]]
    // Refused attempts are counted nowhere, so waiting always helps.
    if (!answer.allowed) {
      await giveBackHere([...all, ...counted])
      return { ...answer, isRemembered: false, each: [] }
    }
    const there = new Map(counted.map((one, index) => [one, others[index] as CounterAnswer]))
    await giveBackHere(counted.filter(one => !there.get(one)?.allowed))
    const judged = here.each.map((mine, index) => there.get(each[index] as Counted) ?? mine)
    return { ...answer, isRemembered: here.isRemembered, each: judged }
  }

  async function giveBackHere(counted: readonly Counted[]): Promise<void> {
    for (const { limit, key } of counted) await own.giveBack(limit, key)
  }

  return {
    takeTogether,
    async take(limit, key) {
      const { allowed, retryAfterSeconds } = await takeTogether({ all: [{ limit, key }] })
      return { allowed, retryAfterSeconds }
    },
    async giveBack(limit, key) {
      await own.giveBack(limit, key)
      const one = { limit, key }
      await lane.ask(valkey => valkey.eval(giveBackText, 1, keyOf(one), ...numbersOf(one)))
    },
    async clear(limit, key) {
      await own.clear(limit, key)
      await lane.ask(valkey => valkey.del(keyOf({ limit, key })))
    },
    remember: own.remember,
    remembers: own.remembers,
  }
}

/** Pairs of what is allowed and seconds: for all, and, where all were allowed, for each. Whoever else answers is as one who is away. */
function isAnswer(answer: unknown, each: number): answer is number[] {
  const isNumber = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0
  return Array.isArray(answer) && answer.every(isNumber) && answer.length === (answer[0] === 1 ? 2 + 2 * each : 2)
}

function inPairs(numbers: readonly number[]): CounterAnswer[] {
  return numbers.flatMap((allowed, index) =>
    index % 2 === 0 ? [{ allowed: allowed === 1, retryAfterSeconds: numbers[index + 1] ?? 0 }] : [],
  )
}
