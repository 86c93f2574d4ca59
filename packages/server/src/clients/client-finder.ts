import type { ClientSnapshot } from '@countersign/store'

/** Finds clients by their ids, those too that describe themselves at an address of theirs. */
export interface ClientFinder {
  /**
   * The client of this id, whichever kind it is; one that describes itself as its document says now, for as long as that is fresh. `loaded`: a snapshot that may
   * hold it as it is stored.
   */
  find(clientId: string, loaded?: ClientSnapshot): Promise<ClientSnapshot | undefined>
  /** The client of this id as it is stored, whatever its document has come to say. For where a client gives back what it has. */
  findStored(clientId: string): Promise<ClientSnapshot | undefined>
}
