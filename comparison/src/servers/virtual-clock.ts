/*
 * Loaded into each server (`--import`): its wall clock stands still until the comparison says how far it has moved. Nothing
 * else of a server is changed; timers and the monotonic clock go on as they do.
 */

let now = Number(process.env.COMPARISON_STARTS_AT)
if (!Number.isSafeInteger(now)) throw new Error('COMPARISON_STARTS_AT: milliseconds since 1970')

globalThis.Date = new Proxy(Date, {
  construct: (target, values, newTarget) => Reflect.construct(target, values.length === 0 ? [now] : values, newTarget),
  apply: target => new target(now).toString(),
  get: (target, name) => (name === 'now' ? () => now : Reflect.get(target, name)),
})

process.on('message', (message: { advance?: number }) => {
  if (message.advance === undefined) return
  now += message.advance
  process.send?.({ advanced: true })
})
process.channel?.unref()
