import { randomBytes } from 'node:crypto'
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'

/** What the SDK keeps of one login, in memory: an application that is to stay signed in stores it. */
export interface Login extends OAuthClientProvider {
  /** The code in the answer to the authorization request. Throws for an answer that was not asked for, or is of another server (RFC 9207), or a refusal. */
  codeOf(answer: URLSearchParams): string
}

/** `open` gets the authorization page, for the user's browser. */
export function createLogin(redirectUrl: string, open: (page: URL) => void): Login {
  const state = randomBytes(32).toString('base64url')
  let information: OAuthClientInformationMixed | undefined
  let tokens: OAuthTokens | undefined
  let verifier = ''
  let discovered: OAuthDiscoveryState | undefined
  return {
    redirectUrl,
    clientMetadata: {
      client_name: 'Notes client',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    state: () => state,
    clientInformation: () => information,
    saveClientInformation(registered) {
      information = registered
    },
    tokens: () => tokens,
    saveTokens(given) {
      tokens = given
    },
    codeVerifier: () => verifier,
    saveCodeVerifier(made) {
      verifier = made
    },
    discoveryState: () => discovered,
    saveDiscoveryState(found) {
      discovered = found
    },
    redirectToAuthorization: open,
    codeOf(answer) {
      if (answer.get('state') !== state) throw new Error('This answer was not asked for.')
      const issuer = discovered?.authorizationServerMetadata?.issuer
      if (issuer === undefined || answer.get('iss') !== issuer) throw new Error('This answer is of another server.')
      const code = answer.get('code')
      if (code === null) throw new Error(`Refused: ${answer.get('error')}`)
      return code
    },
  }
}
