/*
 * Loaded into a real server (`--import`): what it does by itself every ten seconds (turning the keys, sweeping) it does at SIGUSR2, at once, and at no other
 * time. So a test says which node turns the keys, and when. Nothing of the server's own code is changed: Node's timer is wrapped.
 */

const jobEveryMs = 10_000
const jobs: (() => void)[] = []

const interval = globalThis.setInterval
globalThis.setInterval = ((action: () => void, milliseconds: number, ...values: []) => {
  if (milliseconds !== jobEveryMs) return interval(action, milliseconds, ...values)
  jobs.push(action)
  return interval(() => {}, 2 ** 31 - 1)
}) as typeof interval

process.on('SIGUSR2', () => {
  for (const job of jobs) job()
})
