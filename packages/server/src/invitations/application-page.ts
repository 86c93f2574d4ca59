import { isVouchedFor } from '@countersign/core'
import type { Services } from '../services.ts'

/**
 * Where an application begins, as its operator has written it down (`uri`): whoever accepts an invitation goes on to there. `undefined`: there is no such client, it is
 * switched off, has no page, or came by itself: what a stranger says of itself is no place to send people to. Never from a request, so that no link leads elsewhere.
 */
export async function applicationPage(
  { store }: Pick<Services, 'store'>,
  clientId: string | undefined,
): Promise<string | undefined> {
  const client = clientId === undefined ? undefined : (await store.loadClient(clientId))?.client
  if (client === undefined || client.disabled || !isVouchedFor(client)) return undefined
  const url = URL.parse(client.description.uri ?? '')
  // Written anew: as a header takes it.
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined
}
