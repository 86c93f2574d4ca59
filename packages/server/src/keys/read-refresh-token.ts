import { type OpenedRefreshToken, openRefreshToken } from '@countersign/core'
import type { KeyKeeper } from './key-keeper.ts'

/**
 * Row 1 of the refresh table, as far as it goes without the login: `undefined` for what was not made here. An unknown key
 * number may be a key that another node has just made, so the ring is read through first; or one that the store has forgotten
 * (an old backup was restored), and then the tag tells whether we made the token.
 */
export async function readRefreshToken(keys: KeyKeeper, presented: string): Promise<OpenedRefreshToken | undefined> {
  let opened = openRefreshToken(presented, keys.refreshKey)
  if (opened === 'unknown_key') {
    await keys.read()
    opened = openRefreshToken(presented, id => keys.refreshKey(id) ?? keys.forgottenRefreshKey(id))
  }
  return typeof opened === 'string' ? undefined : opened
}
