import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** The refresh rule over a real store: many hands, one rotation. */
export function refreshContract({ it, expect }: Contract): void {
  const rowsOf = (decisions: readonly { row: number }[]) => decisions.map(({ row }) => row)

  it('CVE-2026-1035: of fifty redemptions of one token at once one rotates, the others are answered alike', async ({
    store,
    clock,
  }) => {
    const { token, client, family } = await given.login(store)
    clock.advance(client.refresh.minimumLifeSeconds)
    const decisions = await atOnce(50, () => given.redeem(store, token))
    expect(rowsOf(decisions).filter(row => row === 5)).toHaveLength(1)
    expect(rowsOf(decisions).filter(row => row !== 5 && row !== 6 && row !== 8)).toEqual([])
    for (const { outcome } of decisions) expect(outcome).toMatchObject({ generation: 1 })
    expect((await store.loadFamily(family.id))?.family).toMatchObject({ generation: 1, version: 2, endedAt: null })
  })

  it('GHSA-392p-2q2v-4372: the same for a bound family, whose fifty hands hold one key', async ({ store }) => {
    const jkt = given.jkt()
    const { token, family } = await given.login(store, { jkt })
    const decisions = await atOnce(50, () => given.redeem(store, token, { jkt }))
    expect(rowsOf(decisions).filter(row => row === 5)).toHaveLength(1)
    expect(rowsOf(decisions).filter(row => row === 7)).toHaveLength(49)
    expect((await store.loadFamily(family.id))?.family).toMatchObject({ generation: 1, version: 2 })
  })

  it('fifty families rotate at once, each once', async ({ store, clock }) => {
    const logins = await atOnce(50, () => given.login(store))
    clock.advance(60)
    const decisions = await atOnce(50, index => given.redeem(store, logins[index]?.token ?? ''))
    expect(rowsOf(decisions)).toEqual(Array(50).fill(5))
  })

  it('a token that is rotated, presented again after the grace and once more, ends its family (RFC 9700 §4.14)', async ({
    store,
    clock,
  }) => {
    const { spent, family, session, user } = await given.rotatedFamily(store, clock)
    clock.advance(30)
    expect((await given.redeem(store, spent)).row).toBe(9)
    clock.advance(30)
    const answer = await given.redeem(store, spent)
    expect(answer).toMatchObject({ row: 10, outcome: { reason: 'refresh_token_reused' } })
    expect(await store.listSessions(user.id)).toEqual([])
    expect((await store.feed.snapshot()).entries.map(({ id }) => id)).toEqual([family.id, session.id])
  })

  it('a store that forgot rotations is set right by the token (row 4)', async ({ store }) => {
    const { family } = await given.login(store)
    const ahead = await given.redeem(store, given.token(family, 9))
    expect(ahead.row).toBe(4)
    expect((await store.loadFamily(family.id))?.family.generation).toBe(9)
    expect((await store.readAudit(0, 10)).at(-1)?.record.event).toBe('refresh.fast_forwarded')
  })

  it('a thousand rotations leave one row and no audit row', async ({ store, clock }) => {
    const { family, client } = await given.login(store)
    for (let generation = 0; generation < 1000; generation++) {
      clock.advance(client.refresh.minimumLifeSeconds)
      expect((await given.redeem(store, given.token(family, generation))).row).toBe(5)
    }
    expect((await store.loadFamily(family.id))?.family).toMatchObject({ generation: 1000, version: 1001 })
    expect(await store.readAudit(0, 10)).toHaveLength(1)
  })
}
