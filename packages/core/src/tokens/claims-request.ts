import { parseStrictObject } from '@countersign/protocol'
import { scopeOfClaim } from '../users/standard-claims.ts'

/** The `claims` parameter (OpenID Connect Core §5.5): single claims, by where they are to be told. Null: wanted, nothing more said. */
export interface ClaimsRequest {
  readonly userinfo?: RequestedClaims
  readonly id_token?: RequestedClaims
}

export type RequestedClaims = Readonly<Record<string, RequestedClaim | null>>

/** §5.5.1. */
export interface RequestedClaim {
  readonly essential?: boolean
  readonly value?: unknown
  readonly values?: readonly unknown[]
}

const charactersAtMost = 4_096
const claimsAtMost = 100

/** Reads the parameter; `undefined` if it is malformed. Members that nobody knows are left out, as §5.5 says. */
export function readClaimsRequest(text: string): ClaimsRequest | undefined {
  const value = text.length > charactersAtMost ? undefined : parseStrictObject(text)
  if (value === undefined) return undefined
  const userinfo = readClaims(value.userinfo)
  const idToken = readClaims(value.id_token)
  if (userinfo === undefined || idToken === undefined) return undefined
  return { ...(userinfo !== null && { userinfo }), ...(idToken !== null && { id_token: idToken }) }
}

/** Null: none are asked for here. */
function readClaims(value: unknown): RequestedClaims | null | undefined {
  if (value === undefined || value === null) return null
  if (!isObject(value)) return undefined
  const entries = Object.entries(value)
  if (entries.length > claimsAtMost) return undefined
  const claims: [string, RequestedClaim | null][] = []
  for (const [name, wanted] of entries) {
    const claim = wanted === null ? null : readClaim(wanted)
    if (claim === undefined) return undefined
    claims.push([name, claim])
  }
  return claims.length === 0 ? null : Object.fromEntries(claims)
}

function readClaim(wanted: unknown): RequestedClaim | undefined {
  if (!isObject(wanted)) return undefined
  const { essential, value, values } = wanted
  if (essential !== undefined && typeof essential !== 'boolean') return undefined
  if (values !== undefined && (!Array.isArray(values) || values.length === 0)) return undefined
  return {
    ...(essential !== undefined && { essential }),
    ...(value !== undefined && { value }),
    ...(values !== undefined && { values: values as readonly unknown[] }),
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The scopes that the user must have allowed before the claims may be told. */
export function scopesOfClaims(claims: ClaimsRequest | null): readonly string[] {
  const names = [claims?.userinfo, claims?.id_token].flatMap(part => Object.keys(part ?? {}))
  return [...new Set(names.flatMap(name => scopeOfClaim(name) ?? []))]
}

/** Without the claims whose scope is not among `scopes`. */
export function narrowClaims(claims: ClaimsRequest, scopes: readonly string[]): ClaimsRequest {
  const narrow = (part: RequestedClaims | undefined): RequestedClaims =>
    Object.fromEntries(
      Object.entries(part ?? {}).filter(([name]) => {
        const scope = scopeOfClaim(name)
        return scope === undefined || scopes.includes(scope)
      }),
    )
  const [userinfo, idToken] = [narrow(claims.userinfo), narrow(claims.id_token)]
  return {
    ...(Object.keys(userinfo).length > 0 && { userinfo }),
    ...(Object.keys(idToken).length > 0 && { id_token: idToken }),
  }
}
