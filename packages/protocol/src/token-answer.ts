/** A successful answer of the token endpoint (RFC 6749 §5.1), with `server_time` for clients whose clock is wrong. */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer' | 'DPoP'
  /** Seconds. */
  readonly expires_in: number
  /** Absent when the token that was presented stays the current one (RFC 6749 §6). */
  readonly refresh_token?: string
  readonly scope?: string
  /** OpenID Connect Core §3.1.3.3: where the scope holds `openid`, from the grant types by which a user's login is given or renewed. */
  readonly id_token?: string
  /** Seconds since 1970, by the server. */
  readonly server_time: number
  /** With `POST /v1/sessions` and the code grant type. */
  readonly session_id?: string
}
