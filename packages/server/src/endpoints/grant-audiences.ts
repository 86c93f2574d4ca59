/**
 * The audiences of an access token besides the issuer: all that were granted, or those that `resource` names (RFC 8707 §2.2). Each must be an absolute
 * URI without a fragment (§2). `undefined` if one is not, or is not granted: a token never reaches further than what was.
 *
 * @param resource the values of the parameter, separated by spaces.
 */
export function grantAudiences(
  resource: string | undefined,
  issuer: string,
  granted: readonly string[],
): readonly string[] | undefined {
  if (resource === undefined) return granted
  const wanted = [...new Set(resource.split(' '))]
  const mayHave = wanted.every(one => isAbsoluteUri(one) && (granted.includes(one) || one === issuer))
  return mayHave ? wanted.filter(one => one !== issuer || granted.includes(one)) : undefined
}

/** RFC 3986 §4.3, which leaves the fragment out. */
export function isAbsoluteUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) && !text.includes('#') && URL.canParse(text)
}
