import { deriveKey, type MasterKey } from '@countersign/core'

export interface DemoSecrets {
  readonly login: { readonly email: string; readonly password: string }
  /** Of the client `demo-api`. */
  readonly apiSecret: string
  /** Of the client `demo-web`, and of its cookies. */
  readonly web: { readonly clientSecret: string; readonly cookieSecret: string }
}

/** Derived from the master key, so that they stay the same and are written down nowhere. */
export function demoSecrets(master: MasterKey, givenApiSecret: string | undefined): DemoSecrets {
  const secretText = (label: string): string => deriveKey(master, label).export().toString('base64url')
  return {
    login: { email: 'demo@example.org', password: typable(deriveKey(master, 'demo login 1').export()) },
    apiSecret: givenApiSecret || secretText('demo api 1'),
    web: { clientSecret: secretText('demo web client 1'), cookieSecret: secretText('demo web cookies 1') },
  }
}

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'

/** 80 bits in four groups of four, without letters that look alike. */
function typable(key: Buffer): string {
  const text = Array.from(key.subarray(0, 16), byte => letters[byte % letters.length]).join('')
  return (text.match(/.{4}/g) ?? []).join('-')
}
