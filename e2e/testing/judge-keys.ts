import { deriveKey, unseal } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { jwksMaxAgeSeconds } from '@countersign/server'
import { createVerifier, type Verifier } from '@countersign/verify'
import { openKeyRing } from '../../packages/cli/src/open-key-ring.ts'
import type { Bearers, Minted } from './bearers.ts'
import type { MovedClock } from './moved-clock.ts'
import { auditOf } from './observed-postgres.ts'
import { type TurningNode, type TurningNodes, turningClients, type WrittenRing, writtenRings } from './turning-nodes.ts'

/** For so long a node that is cut off from the ring goes on signing. */
const trustedMs = 60_000

/** An API that reads the keys at one node, and with `follows` its feed. */
export async function verifierAt(
  { issuer }: TurningNodes,
  { node, clock, follows }: { node: TurningNode; clock: MovedClock; follows: boolean },
): Promise<Verifier> {
  const { id, secret } = turningClients.api
  const verifier = createVerifier({
    issuer,
    audience: 'urn:notes',
    ...(follows && { revocations: { clientId: id, clientSecret: secret } }),
    clock: { wallMilliseconds: clock.now, monotonicMilliseconds: () => performance.now() + clock.aheadMs() },
    onProblem: () => {},
    fetch: (input, init) => fetch(String(input).replace(issuer, node.url), init),
  })
  await verifier.ready()
  return verifier
}

/** Tokens that a verifier does not take. */
export async function refusedBy(verifier: Verifier, tokens: readonly Minted[]): Promise<string[]> {
  const refused: string[] = []
  for (const { token, kid, node } of tokens) {
    const verdict = await verifier.verify(token)
    if (isRefusal(verdict)) refused.push(`${verdict.reason}: signed by ${node} with ${kid}`)
  }
  return [...new Set(refused)]
}

/** What was done with one key, by all nodes. */
interface Use {
  readonly kid: string
  readonly first: number
  readonly last: number
  readonly until: number
}

function usesOf(minted: readonly Minted[]): Use[] {
  return [...Map.groupBy(minted, ({ kid }) => kid)].map(([kid, tokens]) => ({
    kid,
    first: Math.min(...tokens.map(({ answeredAt }) => answeredAt)),
    last: Math.max(...tokens.map(({ mintedAt }) => mintedAt)),
    until: Math.max(...tokens.map(({ expiresAt }) => expiresAt)),
  }))
}

/** Verifiers believe what they have read for the max-age: whatever a node published so long before the first use, or until the last token's end, holds the key. */
export function unknownKeys({ minted, keySets }: Bearers): string[] {
  const believedMs = jwksMaxAgeSeconds * 1000
  return usesOf(minted).flatMap(({ kid, first, until }, index) => {
    const read = keySets.filter(({ askedAt }) => askedAt > first - believedMs && askedAt < until)
    const without = read.filter(({ kids }) => !kids.has(kid)).map(({ node }) => `${node} published no ${kid}`)
    // Else the judge would have seen nothing.
    const isEarly = read.some(({ askedAt }) => askedAt < first - believedMs / 2)
    const unread = index === 0 || isEarly ? [] : [`nobody has read the keys before ${kid}`]
    return [...new Set([...without, ...unread])]
  })
}

/** A key is used while it is active, and by nodes that do not know yet for as long as they may. */
export function usedTooLong({ minted }: Bearers, rings: readonly WrittenRing[]): string[] {
  const turns = rings.map(({ signing }) => signing.find(({ state }) => state === 'active'))
  return usesOf(minted).flatMap(({ kid, last }) => {
    const index = turns.findLastIndex(active => active?.kid === kid)
    if (index === -1) return [`${kid} was never active`]
    const replacedAt = turns[index + 1]?.activatedAt ?? Number.POSITIVE_INFINITY
    return last > replacedAt + trustedMs ? [`${kid} was used ${last - replacedAt} ms after the next one`] : []
  })
}

/** Of each edition there is one ring, told once, wherever it stands. */
export async function badEditions(
  { database, masterKey }: TurningNodes,
  placeUrl: string | undefined,
): Promise<string[]> {
  const bad: string[] = []
  const rings = await writtenRings(database)
  rings.forEach(({ edition, signing }, index) => {
    if (edition !== (rings[0]?.edition ?? 0) + index) bad.push(`edition ${edition} is the ring number ${index}`)
    for (const state of ['active', 'next']) {
      const count = signing.filter(key => key.state === state).length
      if (count !== 1) bad.push(`edition ${edition} has ${count} keys that are ${state}`)
    }
  })
  const told = (await auditOf(database)).map(({ record }) => record).filter(({ event }) => event === 'keys.turned')
  const active = rings.flatMap(({ signing }) => signing.filter(({ state }) => state === 'active').map(({ kid }) => kid))
  const expected = rings.map((_ring, index) => (active[index] === active[index - 1] ? '' : active[index]))
  const said = told.map(({ facts }) => facts?.active)
  if (said.join() !== expected.join()) bad.push(`told were ${said.join()}, and not ${expected.join()}`)
  if (placeUrl !== undefined) {
    const register = await openKeyRing({ key_ring: placeUrl })
    const text = (await register?.read())?.text ?? ''
    await register?.close()
    const there = unseal(deriveKey(masterKey, 'key ring outside 1'), 'key ring', text)?.toString() ?? '{}'
    const { edition, signing } = JSON.parse(there) as WrittenRing
    const last = rings.at(-1)
    if (JSON.stringify([edition, signing]) !== JSON.stringify([last?.edition, last?.signing]))
      bad.push('another ring stands outside than in the store')
  }
  return bad
}
