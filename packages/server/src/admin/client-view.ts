import { type Client, isPublic, secretName } from '@countersign/core'
import { writtenOfClient } from '../clients/written-client.ts'

/** A client as its operator sees it: its settings, where it comes from, and its secrets by name. `client_secret` only in the answer that makes it. */
export type ClientView = Readonly<Record<string, unknown>> & { readonly id: string }

export function viewOf(client: Client, secret?: string): ClientView {
  return {
    id: client.id,
    ...(secret !== undefined && { client_secret: secret }),
    ...writtenOfClient(client),
    origin: client.origin,
    secrets: client.secretHashes.map(hash => ({
      name: secretName(hash),
      ends_at: timeOf(client.secretEnds[hash]),
    })),
    created_at: timeOf(client.createdAt),
    /** When it is forgotten unless a user uses it. */
    unused_until: timeOf(client.expiresAt),
  }
}

/** What is left of a client: none of the defaults of an empty row is true of it. */
export function viewOfRemoved({ id, name, origin, removedAt }: Client): ClientView {
  return { id, name, origin, removed_at: timeOf(removedAt) }
}

/** One of many. */
export interface ClientLine {
  readonly id: string
  readonly name: string
  readonly origin: Client['origin']
  readonly kind: 'public' | 'confidential'
  readonly state: 'on' | 'off'
}

export function lineOf(client: Client): ClientLine {
  const { id, name, origin, disabled } = client
  return { id, name, origin, kind: isPublic(client) ? 'public' : 'confidential', state: disabled ? 'off' : 'on' }
}

function timeOf(instant: number | null | undefined): string | null {
  return instant === null || instant === undefined ? null : new Date(instant).toISOString()
}
