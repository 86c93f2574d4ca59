import type { TextStorage } from '../storage/web-storage.ts'
import type { EndedSession, TokenStorage } from '../stored-session.ts'

/**
 * What every token storage must do, checked on an empty one; the sentences that are not true. Runs anywhere, so that
 * the browser's own storages can be held to it too.
 */
export async function checkTokenStorage(storage: TokenStorage): Promise<string[]> {
  const broken: string[] = []
  const expect = (sentence: string, truth: boolean) => {
    if (!truth) broken.push(sentence)
  }
  const session = (version: string): EndedSession => ({ version, ended: 'signed_out' })
  const versionStored = async () => (await storage.get())?.version

  expect('empty at first', (await storage.get()) === undefined)
  expect('refuses to replace what is not there', !(await storage.compareAndSet('a', session('b'))))
  expect('refuses to remove what is not there', !(await storage.remove('a')))
  expect('writes where nothing is', await storage.compareAndSet(undefined, session('a')))
  expect('gives back what was written', JSON.stringify(await storage.get()) === JSON.stringify(session('a')))
  expect('refuses to write over something unknown', !(await storage.compareAndSet(undefined, session('b'))))
  expect('refuses to write over another version', !(await storage.compareAndSet('x', session('b'))))
  expect('writes over the expected version', await storage.compareAndSet('a', session('b')))
  expect('has the new version', (await versionStored()) === 'b')
  const racers = await Promise.all(['c', 'd', 'e', 'f'].map(version => storage.compareAndSet('b', session(version))))
  expect('lets one of four writers win', racers.filter(won => won).length === 1)
  expect('keeps the old version from being removed', !(await storage.remove('b')))
  expect('removes the expected version', await storage.remove((await versionStored()) ?? ''))
  expect('is empty again', (await storage.get()) === undefined)
  return broken
}

/** Web Storage where there is no browser. */
export function textStorageOf(): () => TextStorage {
  const items = new Map<string, string>()
  const area: TextStorage = {
    getItem: name => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, value),
    removeItem: name => items.delete(name),
  }
  return () => area
}
