import type { ClientSnapshot } from '@countersign/store'

/** Finds clients by their ids, those too that describe themselves at an address of theirs. */
export interface ClientFinder {
  /** The client of this id, whichever kind it is; one that describes itself as its document says now. For where a user is about to be asked. */
  findFresh(clientId: string): Promise<ClientSnapshot | undefined>
  /** The client of this id as it is stored; only one that was never met is looked up. For where clients call again and again. `loaded`: a snapshot that may hold it already. */
  find(clientId: string, loaded?: ClientSnapshot): Promise<ClientSnapshot | undefined>
}
