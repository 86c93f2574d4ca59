import { createHash } from 'node:crypto'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Counted, CounterAnswer, Counters, Limit } from '@countersign/store'
import { addressKey, networkKey } from './address-key.ts'

/** contract.md, Defaults. */
export interface LoginLimitValues {
  /** Failures of one account from one address. */
  readonly pair: Limit
  /** Failures from one address, whatever the accounts: passwords sprayed over many. */
  readonly address: Limit
  /** Failures of one account from everywhere it has not been used before: guessing from many addresses. */
  readonly account: Limit
  /** Failures of one account from one network that are let through, however many there were elsewhere. */
  readonly first: Limit
  /** All attempts at one account from one address, right ones too: each costs an argon2 and a session. */
  readonly pairAll: Limit
  /** All attempts from one address, right ones too. */
  readonly addressAll: Limit
}

const defaultLoginLimits: LoginLimitValues = {
  pair: { kind: 'failed logins of a pair', attempts: 10, windowSeconds: 60 },
  address: { kind: 'failed logins from an address', attempts: 100, windowSeconds: 60 },
  account: { kind: 'failed logins of an account', attempts: 100, windowSeconds: 3600 },
  first: { kind: 'first failed logins of a network', attempts: 3, windowSeconds: 3600 },
  pairAll: { kind: 'logins of a pair', attempts: 30, windowSeconds: 60 },
  addressAll: { kind: 'logins from an address', attempts: 300, windowSeconds: 60 },
}

const knownForSeconds = 90 * 86_400

/**
 * Limits on passwords that an attacker cannot turn against the user. Nobody is ever locked: each limit refills by itself, and
 * the limit on the account as a whole concerns neither an address from which its user has signed in, nor the first attempts
 * of any other. So whoever fails on purpose shuts out his own addresses, and the user with the right password gets in at a
 * new one too.
 *
 * The price: the account's limit does not bound who has very many addresses. Each network buys him `first` guesses (3 an
 * hour; of IPv6 a /48 is one), so a thousand of them 3,000 an hour at one account. A limit that held against that could be
 * used up by him, and would lock the user out; against so few guesses the passwords' own rules have to stand. All successes are
 * counted by address too, never by the account alone: who knows a password cannot use up its owner's logins.
 *
 * `account` is core's `emailKey` (one key for all spellings of an address, known or not; so case never splits a limit), or
 * null if what was typed is no address: then the address alone counts.
 *
 *     const attempt = await loginLimits.begin(account, ip)
 *     if (isRefusal(attempt)) return attempt
 *     …judge the password; when it is wrong there is nothing left to do
 *     await attempt.succeeded()
 */
export interface LoginLimits {
  /**
   * Counts an attempt, and as failed, ahead of time: of fifty guesses sent at once no more pass than one after another. Refuses
   * with `too_many_attempts`. `signedInFrom` tells whether the user has a session that was opened from this address; it is
   * asked only when the account's limit is reached and the counters do not know the address (a restart forgets them).
   */
  begin(
    account: string | null,
    ip: string,
    more?: { readonly signedInFrom?: () => Promise<boolean> },
  ): Promise<LoginAttempt | Refusal>
}

/** An attempt that counts as failed until one of these is called; the first call decides. */
export interface LoginAttempt {
  readonly refused?: never
  /** The password was right: takes the failure back (it still counts as an attempt), and remembers the address. */
  succeeded(): Promise<void>
  /** The password was not judged (the queue was full, the store away): takes the attempt back. */
  withdrawn(): Promise<void>
}

export function createLoginLimits(counters: Counters, limits: LoginLimitValues = defaultLoginLimits): LoginLimits {
  // What is asked at once is one round trip, where others keep the counts.
  const giveBack = async (counted: readonly Counted[]): Promise<void> => {
    await Promise.all(counted.map(({ key, limit }) => counters.giveBack(limit, key)))
  }

  return {
    async begin(account, ip, more = {}) {
      const keys = keysOf(account, ip)
      const pair: Counted = { key: keys.pair, limit: limits.pair }
      const ofAddress: Counted[] = [
        { key: keys.addressAll, limit: limits.addressAll },
        { key: keys.address, limit: limits.address },
      ]
      const pairAll: Counted = { key: keys.pairAll, limit: limits.pairAll }
      const isKept = ({ limit }: Counted): boolean => limit === limits.addressAll || limit === limits.pairAll
      // The address first: whoever has used up his own limits names no account any more, and fills no memory with keys. A refused
      // attempt costs nothing elsewhere: hammering at one account must not use up the address.
      const all = account === null ? ofAddress : [...ofAddress, pairAll, pair]
      const first: Counted = { key: keys.first, limit: limits.first }
      const whole: Counted = { key: keys.account, limit: limits.account }
      // Both of these are counted where there is room: first attempts use the account's limit up for those that come again.
      const strange = account === null ? {} : { each: [first, whole], unlessRemembered: keys.known }
      const answer = await counters.takeTogether({ all, ...strange })
      if (!answer.allowed) return refused(answer)
      const [isFirst, ofAccount] = answer.each
      const counted = [...all, ...[first, whole].filter((_one, index) => answer.each[index]?.allowed)]
      if (isFirst?.allowed === false && ofAccount?.allowed === false && !(await more.signedInFrom?.())) {
        await giveBack(counted)
        return refused(ofAccount)
      }
      return {
        async succeeded() {
          const mine = counted.splice(0)
          if (mine.length === 0) return
          // Of the address this attempt alone: an attacker's own account must not buy him guesses at others.
          await Promise.all([
            giveBack(mine.filter(one => one !== pair && !isKept(one))),
            counters.clear(limits.pair, keys.pair),
            account === null ? undefined : counters.remember(keys.known, knownForSeconds),
          ])
        },
        withdrawn: () => giveBack(counted.splice(0)),
      }
    },
  }
}

function refused({ retryAfterSeconds }: CounterAnswer): Refusal {
  return refuse('too_many_attempts', { retryAfterSeconds })
}

/** Hashed, so that addresses do not lie about in a shared counter store, and no key is long. */
function keysOf(account: string | null, ip: string): Record<keyof LoginLimitValues | 'known', string> {
  const address = addressKey(ip)
  const key = (...parts: string[]): string =>
    createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
  const [ofAddress, ofPair] = [key(address), key(account ?? '', address)]
  return {
    address: ofAddress,
    addressAll: ofAddress,
    pair: ofPair,
    pairAll: ofPair,
    known: `login ${ofPair}`,
    account: key(account ?? ''),
    first: key(account ?? '', networkKey(ip)),
  }
}
