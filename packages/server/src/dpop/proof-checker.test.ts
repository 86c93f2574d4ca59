import { isRefusal } from '@countersign/protocol'
import { describe, expect, test } from 'vitest'
import type { HttpRequest } from '../http/message.ts'
import { proofKey } from '../testing/proof-key.ts'
import { type CheckedProof, createProofChecker, type ProofChecker, type ProofCheckerOptions } from './proof-checker.ts'

const issuer = 'https://login.example'
const url = `${issuer}/token`

function node(startTime = 1_800_000_000_000, more: Partial<ProofCheckerOptions> = {}) {
  let [time, passed] = [startTime, 0]
  const clock = (): number => time
  /** The wall clock is set to so much later, or earlier; no time passes. */
  const set = (seconds: number): void => {
    time += seconds * 1000
  }
  const later = (seconds: number): void => {
    set(seconds)
    passed += Math.max(0, seconds) * 1000
  }
  const checker = createProofChecker({ issuer, nonceKey: Buffer.alloc(32, 3), clock, monotonic: () => passed, ...more })
  later(1)
  return { clock, later, set, checker, key: proofKey(clock) }
}

function request(dpop: string | undefined): HttpRequest {
  const more = { query: '', params: {}, body: '', ip: '127.0.0.1' }
  return { ...more, method: 'POST', path: '/token', header: name => (name === 'dpop' ? dpop : undefined) }
}

/** What comes of checking a proof and using it up. */
async function use(checker: ProofChecker, dpop: string): Promise<string> {
  const proof = checker.check(request(dpop))
  if (isRefusal(proof)) return proof.reason
  return (await (proof as CheckedProof).spend())?.reason ?? 'good'
}

describe('a proof', () => {
  test('is good once', async () => {
    const { checker, key } = node()
    const proof = key.proof('POST', url)
    expect(await use(checker, proof)).toBe('good')
    expect(await use(checker, proof)).toBe('proof_replayed')
  })

  test('is used up once by its request, though that is decided anew after a conflict; one that was refused stays so', async () => {
    const { checker, key } = node()
    const proof = key.proof('POST', url)
    const [first, again] = [checker.check(request(proof)), checker.check(request(proof))] as CheckedProof[]
    const spend = async (one: CheckedProof | undefined) => (await one?.spend())?.reason
    expect([await spend(first), await spend(first)]).toEqual([undefined, undefined])
    expect([await spend(again), await spend(again)]).toEqual(['proof_replayed', 'proof_replayed'])
  })

  test('that another node has used is refused, where they share a memory; one that this node has used asks nobody', async () => {
    const used = new Set<string>()
    let asked = 0
    const useOnce = async (id: string): Promise<boolean> => {
      asked++
      return used.size < used.add(id).size
    }
    const [{ checker: here, key }, { checker: there }] = [node(undefined, { useOnce }), node(undefined, { useOnce })]
    const proof = key.proof('POST', url)
    expect([await use(here, proof), await use(here, proof), await use(there, proof)]).toEqual([
      'good',
      'proof_replayed',
      'proof_replayed',
    ])
    expect(asked).toBe(2)
  })

  test('that was used is refused after the clock has jumped ahead and back, with a nonce or without', async () => {
    const { checker, key, set, later } = node()
    const { nonce } = checker.explain({ refused: true, reason: 'proof_nonce_required' }, { challenges: false }).dpop
    const [bare, named] = [key.proof('POST', url), key.proof('POST', url, { claims: { nonce } })]
    expect([await use(checker, bare), await use(checker, named)]).toEqual(['good', 'good'])
    for (let times = 0; times < 3; times++) {
      set(7_200)
      const fresh = checker.explain({ refused: true, reason: 'proof_nonce_required' }, { challenges: false }).dpop
      expect(await use(checker, key.proof('POST', url))).toBe('good')
      expect(await use(checker, key.proof('POST', url, { claims: { nonce: fresh.nonce } }))).toBe('good')
      set(-7_200)
      later(1)
      expect([await use(checker, bare), await use(checker, named)]).toEqual(['proof_replayed', 'proof_replayed'])
    }
  })

  test('that was only looked at is not used up: strangers cannot fill the memory, nor use up what they saw', async () => {
    const { checker, key } = node()
    const proof = key.proof('POST', url)
    for (let times = 0; times < 3; times++) expect(isRefusal(checker.check(request(proof)))).toBe(false)
    expect(await use(checker, proof)).toBe('good')
  })

  test('none is no refusal, and has no key', async () => {
    const { checker } = node()
    expect(checker.check(request(undefined))).toMatchObject({ jkt: undefined })
  })

  test('is believed for a minute, and ten seconds ahead', async () => {
    const { checker, key, clock, later } = node()
    later(100)
    const made = (seconds: number) => key.proof('POST', url, { claims: { iat: Math.floor(clock() / 1000) + seconds } })
    expect(await use(checker, made(-60))).toBe('good')
    expect(await use(checker, made(10))).toBe('good')
    expect(await use(checker, made(-62))).toBe('proof_nonce_required')
    expect(await use(checker, made(12))).toBe('proof_nonce_required')
  })

  test('is remembered for as long as it would be believed', async () => {
    const { checker, key, clock, later } = node()
    const ahead = key.proof('POST', url, { claims: { iat: Math.floor(clock() / 1000) + 10 } })
    expect(await use(checker, ahead)).toBe('good')
    for (let seconds = 0; seconds < 69; seconds += 3) {
      later(3)
      expect(await use(checker, ahead)).toBe('proof_replayed')
    }
    later(5)
    expect(await use(checker, ahead)).toBe('proof_nonce_required')
  })

  test('from before the node started, which it may have seen, needs a nonce', async () => {
    const { checker, key, clock } = node()
    const claims = { iat: Math.floor(clock() / 1000) - 2 }
    expect(await use(checker, key.proof('POST', url, { claims }))).toBe('proof_nonce_required')
    const { nonce } = checker.explain({ refused: true, reason: 'proof_nonce_required' }, { challenges: false }).dpop
    expect(await use(checker, key.proof('POST', url, { claims: { ...claims, nonce } }))).toBe('good')
  })

  test('with a nonce is good whatever its clock says, once, and for five minutes', async () => {
    const { checker, key, later } = node()
    const { nonce } = checker.explain({ refused: true, reason: 'proof_nonce_required' }, { challenges: false }).dpop
    const proof = key.proof('POST', url, { claims: { iat: 1, nonce } })
    expect(await use(checker, proof)).toBe('good')
    later(299)
    expect(await use(checker, proof)).toBe('proof_replayed')
    later(2)
    expect(await use(checker, proof)).toBe('proof_nonce_required')
  })

  test('with a nonce of a node whose clock is ahead is refused until its time has come: it would be good for longer than it is remembered', async () => {
    const [here, ahead] = [node(), node(1_800_000_030_000)]
    const { nonce } = ahead.checker.explain(
      { refused: true, reason: 'proof_nonce_required' },
      { challenges: false },
    ).dpop
    const proof = here.key.proof('POST', url, { claims: { nonce } })
    expect(await use(here.checker, proof)).toBe('proof_nonce_required')
    here.later(20)
    expect(await use(here.checker, proof)).toBe('good')
    for (let seconds = 0; seconds < 309; seconds += 3) {
      here.later(3)
      expect(await use(here.checker, proof)).toBe('proof_replayed')
    }
    here.later(3)
    expect(await use(here.checker, proof)).toBe('proof_nonce_required')
  })

  test('with a nonce of the node that ran here before, in this very second: it may have been used then', async () => {
    const before = node(1_800_000_000_100)
    const { nonce } = before.checker.explain(
      { refused: true, reason: 'proof_nonce_required' },
      { challenges: false },
    ).dpop
    const proof = before.key.proof('POST', url, { claims: { nonce } })
    expect(await use(before.checker, proof)).toBe('good')
    expect(await use(node(before.clock() + 200).checker, proof)).toBe('proof_nonce_required')
  })

  test('is believed again, with a nonce or without, by a node whose clock was set back behind its start', async () => {
    const { checker, key, later } = node()
    later(-600)
    const { nonce } = checker.explain({ refused: true, reason: 'proof_nonce_required' }, { challenges: false }).dpop
    expect(await use(checker, key.proof('POST', url, { claims: { nonce } }))).toBe('good')
    later(2)
    expect(await use(checker, key.proof('POST', url))).toBe('good')
  })

  test('with a nonce of another system, an altered one or rubbish is asked for a good one', async () => {
    const { checker, key } = node()
    const { nonce } = checker.explain({ refused: true, reason: 'proof_nonce_required' }, { challenges: false }).dpop
    const foreign = createProofChecker({ issuer, nonceKey: Buffer.alloc(32, 4), clock: () => 1_800_000_001_000 })
    const other = foreign.explain({ refused: true, reason: 'proof_nonce_required' }, { challenges: false }).dpop.nonce
    for (const wrong of [other, `A${nonce.slice(1)}x`, nonce.slice(1), '', 'x', 'A'.repeat(30)]) {
      expect(await use(checker, key.proof('POST', url, { claims: { nonce: wrong } }))).toBe('proof_nonce_required')
    }
  })

  test('attack 24: for another port, scheme, host, path or method is refused; query and case of the host do not count', async () => {
    const { checker, key } = node()
    for (const other of [
      `${issuer}:444/token`,
      'http://login.example/token',
      'https://else.example/token',
      `${issuer}/Token`,
      `${issuer}/token/`,
      `${issuer}.evil.example/token`,
      'https://x@login.example/token',
      '/token',
      '',
    ]) {
      expect([other, await use(checker, key.proof('POST', other))]).toEqual([other, 'proof_invalid'])
    }
    expect(await use(checker, key.proof('GET', url))).toBe('proof_invalid')
    expect(await use(checker, key.proof('post', url))).toBe('proof_invalid')
    for (const same of [`${url}?x=1`, `${url}#x`, 'https://LOGIN.example/token', `${issuer}:443/token`]) {
      expect([same, await use(checker, key.proof('POST', same))]).toEqual([same, 'good'])
    }
  })
})
