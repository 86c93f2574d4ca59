import { createHmac } from 'node:crypto'
import type { Epochs } from '@countersign/protocol'
import type { Instant, RandomBytes } from '../ids.ts'
import type { MacKey } from '../keys/master-key.ts'
import type { Device } from '../sessions/session.ts'
import type { ShortLived } from './short-lived-row.ts'

/** A device authorization request (RFC 8628), by its device code. */
export interface DeviceCode extends ShortLived {
  readonly clientId: string
  readonly scope: string
  readonly audiences: readonly string[]
  /** Where it was asked from: the user is told, and the session is the device's. */
  readonly device: Device
  readonly createdAt: Instant
  /** Until then it can be approved and redeemed; the row stays a little longer, so that a late poll hears `expired_token`. */
  readonly validUntil: Instant
  readonly state: 'pending' | 'approved' | 'denied' | 'used'
  /** While pending: who has typed the user code, and alone may answer. Then: who approved, in which session of the hosted pages, under which epochs. */
  readonly userId: string | null
  readonly sessionId: string | null
  readonly epochs: Epochs | null
  /** Grows by five each time that the client asks too soon (§3.5). */
  readonly intervalSeconds: number
  readonly polledAt: Instant | null
}

/** Leads from the user code, which people type, to the device code's row. */
export interface UserCode extends ShortLived {
  readonly deviceCodeHash: string
}

/** People fetch another device and sign in first. */
export const deviceCodeSeconds = 600
const toldExpiredSeconds = 300
/** How long the device waits between two polls, to begin with (§3.2). */
export const devicePollSeconds = 5

/** No vowels, so that no words come up, and nothing that looks like another letter or a digit (§6.1). */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'
const letters = 8

/** Eight letters of twenty: 34.5 bits, for ten minutes, behind the limits on guessing. */
export function makeUserCode(random: RandomBytes): string {
  let code = ''
  while (code.length < letters) {
    // Bytes from 240 on are left out: the first letters of the alphabet would come up more often.
    for (const byte of random(16)) if (byte < 240 && code.length < letters) code += alphabet[byte % alphabet.length]
  }
  return code
}

/** As it is shown: in two halves, which are easier to carry across a room. */
export function showUserCode(code: string): string {
  return `${code.slice(0, letters / 2)}-${code.slice(letters / 2)}`
}

/** What somebody typed, whatever the case and the dashes (§6.1); `undefined` if it cannot be a user code. */
export function readUserCode(typed: string): string | undefined {
  if (typed.length > 40) return undefined
  const code = typed.toUpperCase().replace(/[\s.\-_\u2010\u2011\u2013\u2014\u2212]/g, '')
  return code.length === letters && [...code].every(letter => alphabet.includes(letter)) ? code : undefined
}

/** A user code is short: under a plain hash, whoever steals the database would read it. */
export function hashUserCode(key: MacKey, code: string): string {
  return createHmac('sha256', key).update(code).digest('base64url')
}

/** The rows of a new request. */
export function beginDeviceRequest(
  asked: Pick<DeviceCode, 'clientId' | 'scope' | 'audiences' | 'device'> & {
    readonly hash: string
    readonly userCodeHash: string
    readonly now: Instant
  },
): { deviceCode: DeviceCode; userCode: UserCode } {
  const { now, hash, userCodeHash, clientId, scope, audiences, device } = asked
  const validUntil = now + deviceCodeSeconds * 1000
  return {
    deviceCode: {
      hash,
      clientId,
      scope,
      audiences,
      device: { label: device.label, ip: device.ip },
      createdAt: now,
      validUntil,
      state: 'pending',
      userId: null,
      sessionId: null,
      epochs: null,
      intervalSeconds: devicePollSeconds,
      polledAt: null,
      expiresAt: validUntil + toldExpiredSeconds * 1000,
      version: 0,
    },
    userCode: { hash: userCodeHash, deviceCodeHash: hash, expiresAt: validUntil, version: 0 },
  }
}
