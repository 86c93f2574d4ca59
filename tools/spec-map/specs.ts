/** A specification that we implement, section by section: what is listed must have a function that cites it and a test that does. */
export interface Spec {
  /** As it is cited in the sources: `RFC 6749`, `OpenID Connect Core`. */
  readonly name: string
  readonly title: string
  /** Section number, and what it is about in our words. */
  readonly sections: readonly (readonly [section: string, about: string])[]
}

export const specs: readonly Spec[] = [
  {
    name: 'RFC 6749',
    title: 'OAuth 2.0',
    sections: [
      ['2.3.1', 'a client shows its secret'],
      ['3.1', 'parameters come once; empty ones count as absent'],
      ['3.3', 'scope'],
      ['4.1.1', 'authorization request'],
      ['4.1.2', 'authorization answer; a code is used once'],
      ['4.1.2.1', 'errors at the redirect URI'],
      ['4.1.3', 'a code is redeemed'],
      ['4.4', 'client credentials'],
      ['5.1', 'token answer'],
      ['5.2', 'errors of the token endpoint'],
      ['6', 'refresh'],
    ],
  },
  {
    name: 'RFC 6750',
    title: 'Bearer tokens',
    sections: [
      ['2.1', 'the Authorization header'],
      ['3.1', 'challenges'],
    ],
  },
  {
    name: 'RFC 7009',
    title: 'Token revocation',
    sections: [
      ['2.1', 'what is revoked'],
      ['2.2', 'unknown tokens are no error'],
    ],
  },
  {
    name: 'RFC 7636',
    title: 'PKCE',
    sections: [
      ['4.3', 'the challenge is sent'],
      ['4.5', 'the verifier is sent'],
      ['4.6', 'they are compared'],
    ],
  },
  { name: 'RFC 7662', title: 'Token introspection', sections: [['2', 'the endpoint']] },
  { name: 'RFC 8252', title: 'Native apps', sections: [['7.3', 'loopback addresses with any port']] },
  {
    name: 'RFC 8414',
    title: 'Server metadata',
    sections: [
      ['2', 'the document'],
      ['3.3', 'it names its own issuer'],
    ],
  },
  { name: 'RFC 8707', title: 'Resource indicators', sections: [['2.2', 'a token for fewer APIs']] },
  {
    name: 'RFC 8725',
    title: 'JWT best current practice',
    sections: [
      ['3.1', 'key and algorithm belong together'],
      ['3.8', 'issuer and subject'],
      ['3.11', 'explicit types'],
    ],
  },
  {
    name: 'RFC 9068',
    title: 'JWT access tokens',
    sections: [
      ['2.1', 'header'],
      ['2.2', 'claims'],
    ],
  },
  { name: 'RFC 9207', title: 'Issuer in answers', sections: [['2', 'the iss parameter']] },
  {
    name: 'RFC 9449',
    title: 'DPoP',
    sections: [
      ['4.2', 'what a proof says'],
      ['4.3', 'how it is checked'],
      ['5', 'tokens bound to a key'],
      ['6.1', 'the thumbprint in a token'],
      ['7.1', 'the DPoP scheme'],
      ['8', 'nonces of the server'],
    ],
  },
  {
    name: 'RFC 9700',
    title: 'Security best current practice',
    sections: [
      ['4.1.3', 'redirect URIs to the letter'],

      ['4.14', 'stolen refresh tokens are noticed'],
    ],
  },
  {
    name: 'RFC 7523',
    title: 'Clients that authenticate by a key',
    sections: [['3', 'how an assertion is judged']],
  },
  {
    name: 'RFC 7591',
    title: 'Dynamic client registration',
    sections: [
      ['2', 'what a client may say of itself'],
      ['3', 'the endpoint'],
    ],
  },
  { name: 'RFC 7592', title: 'Registration management', sections: [['2', 'reading, changing, deleting']] },
  {
    name: 'RFC 8628',
    title: 'Device authorization',
    sections: [
      ['3.2', 'the device asks'],
      ['3.4', 'it polls'],
      ['3.5', 'what it is told meanwhile'],
    ],
  },
  {
    name: 'RFC 8693',
    title: 'Token exchange',
    sections: [
      ['2.1', 'request'],
      ['4.1', 'who acts'],
    ],
  },
  {
    name: 'RFC 9126',
    title: 'Pushed authorization requests',
    sections: [
      ['2', 'the endpoint'],
      ['4', 'the reference is used'],
    ],
  },
  { name: 'RFC 9470', title: 'Step-up', sections: [['3', 'the challenge']] },
  {
    name: 'RFC 9728',
    title: 'Protected resource metadata',
    sections: [
      ['3', 'the document'],
      ['5.1', 'where a challenge points'],
    ],
  },
  {
    name: 'OpenID Connect Core',
    title: 'OpenID Connect',
    sections: [
      ['2', 'ID token'],
      ['3.1.2.1', 'authentication request'],
      ['5.1', 'standard claims'],
      ['5.3', 'UserInfo'],
      ['5.5', 'single claims'],
      ['8.1', 'pairwise subjects'],
      ['11', 'offline access'],
    ],
  },
  {
    name: 'OpenID Connect RP-Initiated Logout',
    title: 'sign-out that an application begins',
    sections: [['2', 'the endpoint']],
  },
  {
    name: 'OpenID Connect Back-Channel Logout',
    title: 'applications are told of ended sessions',
    sections: [
      ['2.4', 'logout token'],
      ['2.5', 'delivery'],
    ],
  },
]
