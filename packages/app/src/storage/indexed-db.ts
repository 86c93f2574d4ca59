import type { StoredSession, TokenStorage } from '../stored-session.ts'

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
export function indexedDbStorage(name: string): TokenStorage {
  let opening: Promise<IDBDatabase> | undefined
  const channel = new BroadcastChannel(name)

  function open(): Promise<IDBDatabase> {
    opening ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name, 1)
      request.onupgradeneeded = () => request.result.createObjectStore(store)
      request.onerror = request.onblocked = () => reject(request.error)
      request.onsuccess = () => {
        const database = request.result
        const forget = () => {
          database.close()
          opening = undefined
        }
        database.onclose = database.onversionchange = forget
        resolve(database)
      }
    }).catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }

  /** One transaction: reads the record and lets `change` write. Settles when that is committed. */
  async function transact(
    mode: IDBTransactionMode,
    change: (records: IDBObjectStore, stored: StoredSession | undefined) => void,
  ): Promise<StoredSession | undefined> {
    const database = await open()
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(store, mode)
      const records = transaction.objectStore(store)
      const reading: IDBRequest<StoredSession | undefined> = records.get(slot)
      reading.onsuccess = () => change(records, reading.result)
      transaction.onabort = () => reject(transaction.error)
      transaction.oncomplete = () => resolve(reading.result)
    })
  }

  async function replace(expected: string | undefined, write: (records: IDBObjectStore) => void): Promise<boolean> {
    const before = await transact('readwrite', (records, stored) => {
      if (stored?.version === expected) write(records)
    })
    const replaced = before?.version === expected
    if (replaced) channel.postMessage(0)
    return replaced
  }

  return {
    name,
    shared: true,
    holdsKeys: true,
    get: () => transact('readonly', () => {}),
    compareAndSet: (expected, next) => replace(expected, records => records.put(next, slot)),
    remove: expected => replace(expected, records => records.delete(slot)),
    subscribe(changed) {
      channel.addEventListener('message', changed)
      return () => channel.close()
    },
  }
}
