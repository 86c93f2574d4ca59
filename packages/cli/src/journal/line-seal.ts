import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKey, type MasterKey } from '@countersign/core'
import { type JournalLine, type LinePlace, parseLine, type SealedLine } from './journal-line.ts'

/**
 * Lines of a journal, and of this system alone: whoever may write the file, and has no key, can make none, change none and put none somewhere else.
 */
export interface LineSeal {
  /** One line of text, without its end. */
  seal(line: JournalLine, place: LinePlace): string
  /** `undefined`: it cannot be read, or is none of this system's. */
  open(text: string): SealedLine | undefined
}

const macIntro = ',"mac":"'
const macOutro = '"}'
/** HMAC-SHA256, base64url. */
const macLength = 43

/** Another issuer under the same master key is another system. */
export function createLineSeal(master: MasterKey, issuer: string): LineSeal {
  const key = deriveKey(master, 'revocation journal line 1', Buffer.from(issuer))
  const macOf = (body: string): Buffer => createHmac('sha256', key).update(body).digest()
  return {
    seal(line, place) {
      const body = JSON.stringify({ ...line, place }).slice(0, -1)
      return body + macIntro + macOf(body).toString('base64url') + macOutro
    },
    open(text) {
      const end = text.length - macIntro.length - macLength - macOutro.length
      const tail = text.slice(Math.max(end, 0))
      if (!tail.startsWith(macIntro) || !tail.endsWith(macOutro)) return undefined
      const body = text.slice(0, end)
      const mac = Buffer.from(tail.slice(macIntro.length, -macOutro.length), 'base64url')
      const expected = macOf(body)
      if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined
      return parseLine(`${body}}`)
    },
  }
}
