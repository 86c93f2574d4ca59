let gathering: Promise<void> | undefined

/**
 * Waits for what else arrives in this turn of the event loop. From here on these requests go step by step beside each other:
 * all are read from the store, then all are signed, and so on. The code of a step is then still in the processor's caches
 * for the next request; one after the other, SQLite, OpenSSL and HTTP push each other out, and a refresh takes half as
 * long again. A request that comes alone waits for nothing.
 */
export function inStep(): Promise<void> {
  gathering ??= new Promise(go => {
    setImmediate(() => {
      gathering = undefined
      go()
    })
  })
  return gathering
}
