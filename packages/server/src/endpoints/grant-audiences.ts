/**
 * The audiences of an access token besides the issuer: all that were granted, or the one that the `resource` parameter names (RFC
 * 8707 §2.2). `undefined` if it names another: a token never reaches further than what was granted.
 */
export function grantAudiences(
  resource: string | undefined,
  issuer: string,
  granted: readonly string[],
): readonly string[] | undefined {
  if (resource === undefined) return granted
  if (granted.includes(resource)) return [resource]
  return resource === issuer ? [] : undefined
}
