import { commonPasswords } from './common-passwords.ts'

/** Counted in code points, like the most (NIST SP 800-63B §3.1.1.2). */
export const passwordMinLength = 8
export const passwordMaxLength = 256

/** In UTF-16 units, as it comes: more than any password within `passwordMaxLength` has, however its accents are written. */
const unitsAtMost = 1024

/**
 * Marks are put in order one by one, so that the time to normalise grows with the square of how many stand in a row: of 32,000 that is three seconds. No language
 * needs more than 30 (UAX #15 §13, Stream-Safe Text).
 */
const tooManyMarksInARow = /\p{M}{31}/u

/**
 * The form that is hashed: NFC (RFC 8265 §4.2.2), since keyboards differ in whether they compose an é. Not NFKC: it folds
 * characters that the user chose to be different, and makes passwords easier to guess. Spaces and case stay as they are.
 * `undefined` for what is no password here, and would cost the event loop more than its length.
 */
export function normalizePassword(password: string): string | undefined {
  return password.length > unitsAtMost || tooManyMarksInARow.test(password) ? undefined : password.normalize('NFC')
}

/**
 * `undefined` for an acceptable new password, else what is wrong with it, for the user to read. Length and a list of what
 * everybody chooses; no rules about kinds of characters, and no expiry (NIST SP 800-63B §3.1.1.2). The text never holds the
 * password or the address.
 */
export function passwordProblem(password: string, user: { readonly email?: string } = {}): string | undefined {
  if (!password.isWellFormed() || password.includes('\0')) return problems.unusable
  if (password.length > unitsAtMost) return problems.tooLong
  const text = normalizePassword(password)
  if (text === undefined) return problems.accents
  const characters = [...text]
  if (characters.length < passwordMinLength) return problems.tooShort
  if (characters.length > passwordMaxLength) return problems.tooLong
  const folded = text.trim().toLowerCase()
  if (commonPasswords.has(folded) || new Set(characters).size === 1) return problems.common
  const email = normalizePassword((user.email ?? '').trim())?.toLowerCase() ?? ''
  if (email !== '' && (folded === email || folded === email.slice(0, email.lastIndexOf('@')))) {
    return problems.address
  }
  return undefined
}

/** Which of the problems a text of `passwordProblem` tells of, for those who say it in another language. */
export function passwordProblemOf(text: string | undefined): PasswordProblem | undefined {
  return (Object.keys(problems) as PasswordProblem[]).find(name => problems[name] === text)
}

export type PasswordProblem = 'unusable' | 'accents' | 'tooShort' | 'tooLong' | 'common' | 'address'

const problems: Readonly<Record<PasswordProblem, string>> = {
  unusable: 'The password holds a character that cannot be used.',
  accents: 'The password holds too many accents in a row.',
  tooShort: `The password needs at least ${passwordMinLength} characters.`,
  tooLong: `The password must not be longer than ${passwordMaxLength} characters.`,
  common: 'The password is one that many people use.',
  address: 'The password must not be the e-mail address.',
}
