import type { Lane } from './lane.ts'

/**
 * Remembers that something was used, for so many milliseconds. False: it had been used before. True where the server does not answer: what each node remembers by itself
 * decides then, as it does for what was used before the server was emptied.
 */
export function createUseOnce(lane: Lane, namespace: string): (id: string, lifeMs: number) => Promise<boolean> {
  return async (id, lifeMs) => {
    const key = `countersign ${namespace} used ${id}`
    const asked = await lane.ask(valkey => valkey.set(key, '', 'PX', lifeMs, 'NX'))
    return asked === undefined || asked.answer === 'OK'
  }
}
