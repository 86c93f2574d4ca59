import type { StoredSession, TokenStorage } from '../stored-session.ts'

export interface IndexedDbOptions {
  readonly indexedDb?: IDBFactory
  /** Makes the channel by which tabs tell each other that something has changed. */
  readonly channel?: (name: string) => Pick<BroadcastChannel, 'postMessage' | 'addEventListener' | 'close'>
}

const store = 'session'
const slot = 'current'

/**
 * IndexedDB: the default. Shared by all tabs of the origin, survives a restart, and holds the key itself, not
 * extractable.
 *
 * Risks: a script that runs in the page (XSS) can use token and key while it runs there, and can read the access token;
 * it cannot carry the refresh token away in a form that works elsewhere. A copy of the whole browser profile can hold
 * the key too. Some browsers drop the data of a site that was not visited for a week, and refuse to store in private
 * windows: then the login lives in this tab's memory.
 */
export function indexedDbStorage(name: string, options: IndexedDbOptions = {}): TokenStorage {
  const openChannel = options.channel ?? (channelName => new BroadcastChannel(channelName))
  let opening: Promise<IDBDatabase> | undefined
  const channel = openChannel(name)

  function open(): Promise<IDBDatabase> {
    opening ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = (options.indexedDb ?? indexedDB).open(name, 1)
      request.onupgradeneeded = () => request.result.createObjectStore(store)
      request.onerror = request.onblocked = () => reject(request.error)
      request.onsuccess = () => {
        const database = request.result
        database.onclose = () => {
          opening = undefined
        }
        database.onversionchange = () => {
          database.close()
          opening = undefined
        }
        resolve(database)
      }
    }).catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }

  /** One transaction: reads the record and lets `decide` change it; true if it did. Settles when that is committed. */
  async function change(expected: string | undefined, decide: (records: IDBObjectStore) => void): Promise<boolean> {
    const database = await open()
    const changed = await new Promise<boolean>((resolve, reject) => {
      const transaction = database.transaction(store, 'readwrite')
      const records = transaction.objectStore(store)
      let matches = false
      transaction.onabort = transaction.onerror = () => reject(transaction.error)
      transaction.oncomplete = () => resolve(matches)
      const reading: IDBRequest<StoredSession | undefined> = records.get(slot)
      reading.onsuccess = () => {
        matches = reading.result?.version === expected
        if (matches) decide(records)
      }
    })
    if (changed) channel.postMessage(0)
    return changed
  }

  return {
    name,
    shared: true,
    holdsKeys: true,
    async get() {
      const database = await open()
      return new Promise((resolve, reject) => {
        const reading = database.transaction(store).objectStore(store).get(slot)
        reading.onsuccess = () => resolve(reading.result)
        reading.onerror = () => reject(reading.error)
      })
    },
    compareAndSet: (expected, next) => change(expected, records => records.put(next, slot)),
    remove: expected => change(expected, records => records.delete(slot)),
    subscribe(changed) {
      channel.addEventListener('message', changed)
      return () => channel.close()
    },
  }
}
