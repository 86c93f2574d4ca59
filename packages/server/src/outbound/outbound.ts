import { lookup } from 'node:dns/promises'
import { type ClientRequest, request as requestByHttp } from 'node:http'
import { isIP } from 'node:net'
import { isOwnAddress, isPublicAddress } from './address-rules.ts'

/** A request of this server to an address that somebody else has named. */
export interface OutboundRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** A longer answer is none. */
  readonly bytesAtMost: number
  /** From beginning to end. */
  readonly timeoutMs: number
}

export interface OutboundAnswer {
  readonly failed?: never
  readonly status: number
  /** By lower-case name. */
  readonly header: (name: string) => string | undefined
  readonly text: string
}

/** Why there is no answer; for the log. Whoever named the address is told that it did not work, and no more. */
export interface OutboundFailure {
  readonly failed: 'address_refused' | 'unresolved' | 'unreachable' | 'timed_out' | 'too_large' | 'unreadable'
}

/** Sends one request, safely (attack 29). A redirect is an answer like any other, and never followed. Never throws. */
export type Outbound = (request: OutboundRequest) => Promise<OutboundAnswer | OutboundFailure>

interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

export interface OutboundOptions {
  /** True for a server that is on loopback itself: then this machine may be called too, also by plain HTTP. Nothing else is let through. */
  readonly allowsLoopback: boolean
  /** All addresses of a host name. */
  readonly resolve?: (host: string) => Promise<readonly ResolvedAddress[]>
}

/**
 * Resolves the name once, judges every address that comes of it, and connects to one of those: a name that answers differently the next
 * time (DNS rebinding) leads nowhere.
 */
export function createOutbound({ allowsLoopback, resolve = resolveAll }: OutboundOptions): Outbound {
  return async request => {
    const url = URL.parse(request.url)
    if (url === null || url.username !== '' || url.password !== '') return { failed: 'address_refused' }
    const signal = AbortSignal.timeout(request.timeoutMs)
    const addresses = await addressesOf(url.hostname, resolve, signal)
    if (!Array.isArray(addresses)) return { failed: signal.aborted ? 'timed_out' : 'unresolved' }
    const isOwn = allowsLoopback && addresses.every(({ address }) => isOwnAddress(address))
    const isTls = url.protocol === 'https:'
    if (!isTls && !(isOwn && url.protocol === 'http:')) return { failed: 'address_refused' }
    if (!isOwn && !addresses.every(({ address }) => isPublicAddress(address))) return { failed: 'address_refused' }
    // TLS is loaded by whoever calls out first: many servers never do.
    const send = isTls ? (await import('node:https')).request : requestByHttp
    return exchange(send, { url, request, addresses, signal })
  }
}

async function addressesOf(
  hostname: string,
  resolve: NonNullable<OutboundOptions['resolve']>,
  signal: AbortSignal,
): Promise<readonly ResolvedAddress[] | undefined> {
  // The URL parser has brought every spelling of an IPv4 address (127.1, 0x7f000001) into the usual one.
  const bare = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(bare)
  if (family !== 0) return [{ address: bare, family }]
  const late = new Promise<undefined>(done => signal.addEventListener('abort', () => done(undefined), { once: true }))
  const found = await Promise.race([resolve(hostname).catch(() => undefined), late])
  return found !== undefined && found.length > 0 ? found : undefined
}

function resolveAll(host: string): Promise<readonly ResolvedAddress[]> {
  return lookup(host, { all: true })
}

interface Exchange {
  readonly url: URL
  readonly request: OutboundRequest
  readonly addresses: readonly ResolvedAddress[]
  readonly signal: AbortSignal
}

function exchange(
  send: typeof requestByHttp,
  { url, request, addresses, signal }: Exchange,
): Promise<OutboundAnswer | OutboundFailure> {
  return new Promise(done => {
    const fail = (failed: OutboundFailure['failed']): void => done({ failed: signal.aborted ? 'timed_out' : failed })
    const outgoing: ClientRequest = send(url, {
      method: request.method ?? 'GET',
      headers: { 'accept-encoding': 'identity', ...request.headers },
      agent: false,
      signal,
      lookup: (_host, options, answer) => {
        const [first] = addresses
        if (options.all)
          answer(
            null,
            addresses.map(one => ({ ...one })),
          )
        else answer(null, first?.address ?? '', first?.family)
      },
    })
    outgoing.on('error', () => fail('unreachable'))
    outgoing.on('response', incoming => {
      const chunks: Buffer[] = []
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes <= request.bytesAtMost) return
        fail('too_large')
        outgoing.destroy()
      })
      incoming.on('error', () => fail('unreachable'))
      incoming.on('end', () => {
        const coding = incoming.headers['content-encoding'] ?? 'identity'
        const text = readUtf8(Buffer.concat(chunks))
        if (text === undefined || coding !== 'identity') return fail('unreadable')
        const header = (name: string): string | undefined => incoming.headers[name]?.toString()
        done({ status: incoming.statusCode ?? 0, header, text })
      })
    })
    outgoing.end(request.body)
  })
}

function readUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
