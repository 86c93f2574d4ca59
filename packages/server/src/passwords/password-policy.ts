import { commonPasswords } from './common-passwords.ts'

/** Counted in code points, like the most (NIST SP 800-63B §3.1.1.2). */
export const passwordMinLength = 8
const charactersAtMost = 256

/**
 * The form that is hashed: NFC (RFC 8265 §4.2.2), since keyboards differ in whether they compose an é. Not NFKC: it folds
 * characters that the user chose to be different, and makes passwords easier to guess. Spaces and case stay as they are.
 */
export function normalizePassword(password: string): string {
  return password.normalize('NFC')
}

/**
 * `undefined` for an acceptable new password, else what is wrong with it, for the user to read. Length and a list of what
 * everybody chooses; no rules about kinds of characters, and no expiry (NIST SP 800-63B §3.1.1.2). The text never holds the
 * password or the address.
 */
export function passwordProblem(password: string, user: { readonly email?: string } = {}): string | undefined {
  if (!password.isWellFormed() || password.includes('\0')) return 'The password holds a character that cannot be used.'
  // The length in UTF-16 units first: nothing long is normalised.
  if (password.length > 2 * charactersAtMost) return tooLong
  const text = normalizePassword(password)
  const characters = [...text]
  if (characters.length < passwordMinLength) return `The password needs at least ${passwordMinLength} characters.`
  if (characters.length > charactersAtMost) return tooLong
  const folded = text.trim().toLowerCase()
  if (commonPasswords.has(folded) || new Set(characters).size === 1) return 'The password is one that many people use.'
  const email = normalizePassword(user.email ?? '')
    .trim()
    .toLowerCase()
  if (email !== '' && (folded === email || folded === email.slice(0, email.lastIndexOf('@')))) {
    return 'The password must not be the e-mail address.'
  }
  return undefined
}

const tooLong = `The password must not be longer than ${charactersAtMost} characters.`
