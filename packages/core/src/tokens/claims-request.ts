/** The `claims` parameter (OpenID Connect Core §5.5): single claims, by where they are to be told. Null: wanted, nothing more said. */
export interface ClaimsRequest {
  readonly userinfo?: Readonly<Record<string, RequestedClaim | null>>
  readonly id_token?: Readonly<Record<string, RequestedClaim | null>>
}

/** §5.5.1. */
export interface RequestedClaim {
  readonly essential?: boolean
  readonly value?: unknown
  readonly values?: readonly unknown[]
}
