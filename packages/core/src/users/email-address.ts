import { domainToASCII } from 'node:url'

/** Control, space, invisible, bidirectional and private characters, lone surrogates, and what needs quotes in an address (RFC 5322 §3.2.3). */
const refusedCharacters = /[\p{C}\p{Z}"(),:;<>[\]\\]/u

/**
 * What a domain is written with. Asked before `domainToASCII`, which reads its argument as part of a URL: it would decode
 * `%6d`, drop what follows a slash, and let a look-alike meet the address that it imitates.
 */
const domainCharacters = /^[\p{L}\p{M}\p{N}.-]+$/u

/** A name, not a number: `domainToASCII` reads `0x7f.1` and `2130706433` as addresses, too. */
const domainName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const endsInNumber = /(^|\.)(\d+|0x[0-9a-f]*)$/

/**
 * The one form of an address by which users are found and failures counted: lower case, the domain as A-labels. `null` for
 * what is not an address. Look-alikes (full-width `@` or letters, invisible and bidirectional characters) are refused
 * instead of folded, so that two addresses that differ for a mail server never meet here.
 */
export function emailKey(email: string): string | null {
  const text = email.trim()
  if (text.length > 254 || refusedCharacters.test(text)) return null
  if (text.normalize('NFKC') !== text) return null
  const cut = text.lastIndexOf('@')
  const local = text.slice(0, cut)
  if (cut < 1 || local.length > 64 || local.includes('@') || /^\.|\.\.|\.$/.test(local)) return null
  const written = text.slice(cut + 1).toLowerCase()
  if (!domainCharacters.test(written)) return null
  const domain = domainToASCII(written)
  if (!domainName.test(domain) || endsInNumber.test(domain)) return null
  return `${local.toLowerCase()}@${domain}`
}
