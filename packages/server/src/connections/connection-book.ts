import { createHmac } from 'node:crypto'
import type { Connection, SignInMarks } from '@countersign/connections'
import { type MacKey, type RandomBytes, seal, unseal } from '@countersign/core'
import { WrongDeclaration } from '../wrong-declaration.ts'

/** The connections of a server, and what belongs to a sign-in with one. */
export interface ConnectionBook {
  /** In the order in which they are shown. */
  readonly all: readonly Connection[]
  readonly byName: (name: string) => Connection | undefined
  readonly newState: () => string
  /** All that follows from a state. */
  readonly marksOf: (connection: Connection, state: string) => SignInMarks
  readonly sealKeep: (state: string, keep: string) => string
  readonly openKeep: (state: string, sealed: string | null) => string | undefined
}

export function createConnectionBook(options: {
  readonly connections: readonly Connection[]
  readonly issuer: string
  readonly key: MacKey
  readonly random: RandomBytes
}): ConnectionBook {
  const { connections, issuer, key, random } = options
  const named = new Map(connections.map(one => [one.name, one]))
  if (named.size < connections.length) throw new WrongDeclaration('Two connections have the same name.')
  const derive = (use: string, state: string): string =>
    createHmac('sha256', key).update(`${use} ${state}`).digest('base64url')
  const label = (state: string): string => derive('keep', state)
  return {
    all: connections,
    byName: name => named.get(name),
    newState: () => random(32).toString('base64url'),
    marksOf: ({ name }, state) => ({
      // An address for each: an answer of one provider cannot come in as another's (RFC 9700 §4.4.2.2).
      redirectUri: `${issuer}/connections/${name}/callback`,
      state,
      nonce: derive('nonce', state),
      verifier: derive('verifier', state),
    }),
    sealKeep: (state, keep) => seal(key, label(state), keep, random),
    openKeep: (state, sealed) => (sealed === null ? undefined : unseal(key, label(state), sealed)?.toString('utf8')),
  }
}
