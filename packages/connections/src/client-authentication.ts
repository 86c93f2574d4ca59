import { importPKCS8, SignJWT } from 'jose'
import { type ClientAuth, ClientSecretPost, None } from 'openid-client'
import type { WrittenConnection } from './connection-settings.ts'
import type { Quirks } from './preset.ts'

/** How we authenticate to a provider: as the configuration says, or as the preset knows. */
export function authenticationAt(settings: WrittenConnection, quirks: Quirks, clock: () => number): ClientAuth {
  if (quirks.authenticates === 'apple') return appleSecret(settings, clock)
  const method = settings.authentication ?? quirks.authenticates ?? 'basic'
  if (method === 'none' || settings.client_secret === undefined) return None()
  return method === 'post'
    ? ClientSecretPost(settings.client_secret)
    : basic(settings.client_id, settings.client_secret)
}

/**
 * RFC 6749 §2.3.1, encoding what has to be and no more: of a `-`, which openid-client encodes too, providers that decode nothing (X) would make another client.
 */
function basic(id: string, secret: string): ClientAuth {
  const encoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
  const credentials = Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${credentials}`)
}

const secretSeconds = 300

/** Apple's client secret is a JWT that we sign: https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret */
function appleSecret(settings: WrittenConnection, clock: () => number): ClientAuth {
  const { client_id, team_id = '', key_id = '', private_key = '' } = settings
  return async (_server, _client, body) => {
    const now = Math.floor(clock() / 1000)
    const secret = await new SignJWT({ iss: team_id, sub: client_id, aud: 'https://appleid.apple.com' })
      .setProtectedHeader({ alg: 'ES256', kid: key_id })
      .setIssuedAt(now)
      .setExpirationTime(now + secretSeconds)
      .sign(await importPKCS8(private_key, 'ES256'))
    body.set('client_id', client_id)
    body.set('client_secret', secret)
  }
}
