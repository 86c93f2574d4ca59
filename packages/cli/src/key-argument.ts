/** The id of a signing key is 32 bytes in base64url, and one in 64 begins with a hyphen: it looks like an option and is none. */
const hyphenId = /^-[\w-]{42}$/

/** The same command line with such ids where options cannot stand: after `--`. */
export function keysAsArguments(argv: readonly string[]): readonly string[] {
  const ids = argv.filter(word => hyphenId.test(word))
  return ids.length === 0 ? argv : [...argv.filter(word => !hyphenId.test(word)), '--', ...ids]
}
