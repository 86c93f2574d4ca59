import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Listening, listen } from './listen.ts'

/** A provider that speaks OAuth 1.0 (RFC 5849) as Twitter's first interface did: three steps, each request signed. */
export interface Oauth1Provider extends Listening {
  /** What a person does who says yes there: the address that they are sent back to. */
  visit(address: string): string
}

export const consumer = { key: 'consumer', secret: 'the secret of the consumer' }

export async function startOauth1Provider(): Promise<Oauth1Provider> {
  /** Secret and callback by temporary token. */
  const begun = new Map<string, { secret: string; callback: string; verifier: string }>()

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const given = readHeader(request.headers.authorization ?? '')
    const url = `${provider.origin}${request.url}`
    const token = begun.get(given.oauth_token ?? '')
    if (given.oauth_signature !== signatureOf('POST', url, given, token?.secret ?? '')) {
      return void response.writeHead(401).end()
    }
    if (request.url === '/request_token') {
      const [name, secret, verifier] = [text(), text(), text()]
      begun.set(name, { secret, verifier, callback: given.oauth_callback ?? '' })
      send(response, { oauth_token: name, oauth_token_secret: secret, oauth_callback_confirmed: 'true' })
      return
    }
    if (token === undefined || given.oauth_verifier !== token.verifier) return void response.writeHead(401).end()
    begun.delete(given.oauth_token ?? '')
    send(response, { oauth_token: text(), oauth_token_secret: text(), user_id: '77', screen_name: 'maria' })
  }

  const provider = await listen(answer)
  return {
    ...provider,
    visit(address) {
      const name = new URL(address).searchParams.get('oauth_token') ?? ''
      const { callback = '', verifier = '' } = begun.get(name) ?? {}
      const back = new URL(callback)
      back.searchParams.set('oauth_token', name)
      back.searchParams.set('oauth_verifier', verifier)
      return back.href
    },
  }
}

const text = (): string => randomBytes(12).toString('hex')
/** RFC 5849 §3.6. */
const encode = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

function readHeader(header: string): Record<string, string | undefined> {
  return Object.fromEntries(
    [...header.matchAll(/(oauth_\w+)="([^"]*)"/g)].map(([, name, value = '']) => [name, decodeURIComponent(value)]),
  )
}

/** HMAC-SHA1 (§3.4.2). */
function signatureOf(method: string, url: string, given: Record<string, string | undefined>, secret: string): string {
  const pairs = Object.entries(given).flatMap(([name, value = '']) =>
    name === 'oauth_signature' ? [] : [`${encode(name)}=${encode(value)}`],
  )
  const base = [method, url, pairs.sort().join('&')].map(encode).join('&')
  return createHmac('sha1', `${encode(consumer.secret)}&${encode(secret)}`)
    .update(base)
    .digest('base64')
}

function send(response: ServerResponse, members: Record<string, string>): void {
  response.setHeader('content-type', 'application/x-www-form-urlencoded').end(String(new URLSearchParams(members)))
}
