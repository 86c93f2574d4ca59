import { readFileSync } from 'node:fs'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { isRefusal } from '@countersign/protocol'
import { createVerifier, type Verifier } from '@countersign/verify'
import { quantile } from '../harness/workload.ts'
import type { RevocableLogin, RevocationResult, RevocationTask, Summary } from './task.ts'

/** Many verifiers, as in as many APIs, and somebody who revokes: in one process, so that one clock measures both. */
const task = JSON.parse(process.argv[2] ?? '') as RevocationTask
const { issuer, audience, backEnd } = task
const logins = JSON.parse(readFileSync(task.loginsFile, 'utf8')) as RevocableLogin[]

async function run(): Promise<RevocationResult> {
  const verifiers = Array.from({ length: task.verifiers }, () =>
    createVerifier({
      issuer,
      audience,
      revocations: { clientId: backEnd.id, clientSecret: backEnd.secret, whenStale: 'reject' },
    }),
  )
  await Promise.all(verifiers.map(verifier => verifier.ready()))
  const fromSent: number[] = []
  const fromAnswered: number[] = []
  for (const { accessToken, refreshToken } of logins) {
    for (const verifier of verifiers)
      if (reasonOf(verifier, accessToken) !== undefined) throw new Error('a good token was refused')
    const sentAt = performance.now()
    let answeredAt = Number.NaN
    const revoked = revoke(refreshToken).then(() => {
      answeredAt = performance.now()
    })
    const noticedAt = await whenAllRefuse(verifiers, accessToken)
    await revoked
    for (const time of noticedAt) {
      fromSent.push(time - sentAt)
      fromAnswered.push(Math.max(0, time - answeredAt))
    }
    // Not in step with the heartbeat.
    await pause(10 + Math.random() * 40)
  }
  return { fromSent: summary(fromSent), fromAnswered: summary(fromAnswered) }
}

function summary(times: readonly number[]): Summary {
  const [p50 = 0, p99 = 0, longest = 0] = [0.5, 0.99, 1].map(share => quantile(times, share))
  return { p50, p99, longest }
}

/** When each verifier was first seen to refuse. They are asked in every turn of the loop. */
async function whenAllRefuse(verifiers: readonly Verifier[], token: string): Promise<number[]> {
  const noticedAt: number[] = []
  const pending = new Set(verifiers)
  const giveUpAt = performance.now() + 10_000
  while (pending.size > 0) {
    for (const verifier of pending) {
      const reason = reasonOf(verifier, token)
      if (reason === undefined) continue
      if (reason !== 'token_revoked') throw new Error(`refused for another reason: ${reason}`)
      pending.delete(verifier)
      noticedAt.push(performance.now())
    }
    if (performance.now() > giveUpAt) throw new Error(`${pending.size} verifiers never heard of a revocation`)
    await turn()
  }
  return noticedAt
}

function reasonOf(verifier: Verifier, token: string): string | undefined {
  const verification = verifier.verify(token)
  if (verification instanceof Promise) throw new Error('nothing had to be fetched')
  return isRefusal(verification) ? verification.reason : undefined
}

/** RFC 7009: the person's own logout. */
async function revoke(refreshToken: string): Promise<void> {
  const body = new URLSearchParams({ token: refreshToken, client_id: task.clientId })
  const response = await fetch(`${issuer}/revoke`, { method: 'POST', body })
  await response.arrayBuffer()
  if (response.status !== 200) throw new Error(`the revocation was answered ${response.status}`)
}

process.stdout.write(`${JSON.stringify(await run())}\n`, () => process.exit(0))
