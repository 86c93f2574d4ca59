import { type Countersign, indexedDbStorage, type LiveSession, type State } from '@countersign/app'

/*
 * The laboratory opens the SDK's own storage beside it, as any script in this page could. Applications do not.
 */

function openBeside({ holding }: Countersign): ReturnType<typeof indexedDbStorage> {
  return indexedDbStorage(holding.storage.name)
}

/** What lies in the storage. Throws if nobody is signed in. */
export async function readStored(countersign: Countersign): Promise<LiveSession> {
  const stored = await openBeside(countersign).get()
  if (stored === undefined || 'ended' in stored) throw new Error('Nobody is signed in.')
  return stored
}

/** Dates the stored tokens back by their whole life, so that every tab takes its access token for expired. */
export async function expireStored(countersign: Countersign): Promise<void> {
  const stored = await readStored(countersign)
  const sentAt = Date.now() - stored.lifetimeSeconds * 1000
  const older = { ...stored, version: crypto.randomUUID(), sentAt }
  if (!(await openBeside(countersign).compareAndSet(stored.version, older))) return expireStored(countersign)
  await reaches(countersign, 'due')
}

const patience = 5_000

/** Resolves once the state is the one that is waited for. */
export function reaches(countersign: Countersign, status: State['status']): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(reject), patience, undefined)
    const stop = countersign.subscribe(look)
    function settle(end: (error: Error) => void): void {
      clearTimeout(timer)
      stop()
      end(new Error(`The state did not become ${status}.`))
    }
    function look(): void {
      if (countersign.state.status === status) settle(() => resolve())
    }
    look()
  })
}
