import type { ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { Readable } from 'node:stream'
import { reasonHeader, refuse } from '@countersign/protocol'
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type onRequestHookHandler,
} from 'fastify'
import type { Log } from '../log.ts'
import type { Observer } from '../observation/observer.ts'
import { refusalAnswer } from './answers.ts'
import { answerBrokenRequest, answerTunnel } from './broken-request.ts'
import { isLoopback } from './client-address.ts'
import { refusalOfFailure } from './failure.ts'
import { inStep } from './in-step.ts'
import type { HttpAnswer, HttpRequest } from './message.ts'
import { createRefusedOrigins } from './refused-origins.ts'
import { createPaths, ownMethods, type Paths, type Route } from './route.ts'
import { createTrustedProxies, type TrustedProxies } from './trusted-proxies.ts'

export interface HttpOptions {
  readonly trustedProxies: readonly string[]
  /** True for the origins that CORS is open for. */
  readonly isClientOrigin: (origin: string) => Promise<boolean>
  readonly log: Log
  /** Browsers are told to come by TLS only (RFC 6797): where the issuer is an https URL. */
  readonly strictTransport: boolean
  /** For people who ask for a page that does not exist; programs get a refusal. */
  readonly notFoundPage: (acceptLanguage: string) => HttpAnswer
  /** True once the server is asked to stop: connections are closed after their answer. */
  readonly isDraining: () => boolean
  /** How long somebody may take nothing of a stream that is being sent. Default 30. */
  readonly untakenSeconds?: number
  readonly observer?: Observer
}

const bodyBytesAtMost = 64 * 1024
/** A client id can be an address of 2,000 characters, each of them escaped. */
const paramCharactersAtMost = 6_000
const headerBytesAtMost = 16 * 1024
const untakenSecondsAtMost = 30

/** The only file that knows Fastify: sockets in, `HttpRequest` to the endpoint, `HttpAnswer` out. */
export function createHttpServer(routes: readonly Route[], options: HttpOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytesAtMost,
    http: {
      maxHeaderSize: headerBytesAtMost,
      headersTimeout: 10_000,
      // How late a slow request is noticed: Node looks every 30 s otherwise.
      connectionsCheckingInterval: 1_000,
      // A request without Host is refused below, with a body that says so.
      requireHostHeader: false,
    },
    // While draining, what still comes in is answered, and the connection closed after it.
    return503OnClosing: false,
    // Fastify sets its own default (none) over the one in `http`.
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: paramCharactersAtMost },
    // No route has a schema: what would compile them is not even loaded.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    forceCloseConnections: 'idle',
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (_error, _request, reply) => void send(reply, refusalAnswer(refuse('request_malformed')), options),
  })
  app.removeAllContentTypeParsers()
  // Whatever it says it is. The usual ones are named besides: found by name, a parser costs nothing to find.
  const types = ['*', 'application/x-www-form-urlencoded', 'application/json']
  app.addContentTypeParser(types, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error, _request, reply) => send(reply, answerOfError(error, options.log), options))
  const proxies = createTrustedProxies(options.trustedProxies, options.log)
  const noteRefused = createRefusedOrigins(options.log)
  const paths = createPaths(routes)
  app.setNotFoundHandler((request, reply) => {
    const route = paths.routeOf(request.url)
    if (route !== undefined) return serve(route, request, reply, proxies, options)
    const isForPeople = request.headers.accept?.includes('text/html') ?? false
    return send(
      reply,
      isForPeople ? options.notFoundPage(request.headers['accept-language'] ?? '') : refusalAnswer(refuse('not_found')),
      options,
    )
  })
  app.server.on('connect', answerTunnel)
  // An expectation other than 100-continue may be ignored (RFC 9110 §10.1.1); Node would answer it without a body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  if (options.observer !== undefined) tellAnswers(app, options.observer, paths)
  // Before the body is read, so that a page of another origin can also read why it was refused.
  const allow = {
    anyone: allowOrigin('anyone', options, noteRefused),
    clients: allowOrigin('clients', options, noteRefused),
  }
  // For what comes by a method that its path does not have: a browser's OPTIONS, above all.
  app.addHook('onRequest', function (request, reply, done) {
    const cors = request.is404 ? paths.routeOf(request.url)?.cors : undefined
    return cors === undefined ? done() : allow[cors].call(this, request, reply, done)
  })
  for (const route of routes) {
    app.route({
      method: paths.methodsOf(route),
      url: route.path,
      ...(route.cors && { onRequest: allow[route.cors] }),
      handler: (request, reply) => serve(route, request, reply, proxies, options),
    })
  }
  return app
}

/** When an answer's head goes out: a stream may last for days. */
function tellAnswers(app: FastifyInstance, observer: Observer, paths: Paths): void {
  // Fastify's own time begins for `onResponse` alone.
  const began = new WeakMap<FastifyRequest, number>()
  app.addHook('onRequest', (request, _reply, done) => {
    began.set(request, performance.now())
    done()
  })
  app.addHook('onSend', (request, reply, _payload, done) => {
    const now = performance.now()
    observer.answered({
      route: request.routeOptions.url ?? paths.routeOf(request.url)?.path ?? 'none',
      method: request.method,
      status: reply.statusCode,
      reason: reply.getHeader(reasonHeader) as string | undefined,
      // Without a beginning: Fastify has refused the address itself, at once.
      seconds: (now - (began.get(request) ?? now)) / 1000,
    })
    done()
  })
}

function noSchemas(): never {
  throw new Error('routes have no schemas here')
}

async function serve(
  route: Route,
  raw: FastifyRequest,
  reply: FastifyReply,
  proxies: TrustedProxies,
  options: HttpOptions,
): Promise<FastifyReply> {
  if (isInsecure(raw, proxies)) return send(reply, refusalAnswer(refuse('transport_insecure')), options)
  const endpoint = { GET: route.get, HEAD: route.get, POST: route.post, PUT: route.put, DELETE: route.delete }[
    raw.method
  ]
  if (endpoint === undefined) return send(reply, answerOtherMethod(route, raw.method), options)
  if (isCompressed(raw)) return send(reply, refusalAnswer(refuse('content_type_unsupported'), uncompressed), options)
  const request = readRequest(raw, proxies)
  if (request === undefined) return send(reply, refusalAnswer(refuse('request_malformed')), options)
  await inStep()
  const answer = await endpoint(request)
  return send(reply, raw.method === 'HEAD' ? withoutStream(answer) : answer, options)
}

/** A compressed body is never unpacked: nothing small becomes large here (RFC 9110 §15.5.16). */
const uncompressed = { 'accept-encoding': 'identity' }

function isCompressed(raw: FastifyRequest): boolean {
  const coding = raw.headers['content-encoding']?.trim().toLowerCase() ?? ''
  return coding !== '' && coding !== 'identity'
}

/** Nobody would ever read it to its end. */
function withoutStream(answer: HttpAnswer): HttpAnswer {
  if (!(answer.body instanceof Readable)) return answer
  answer.body.destroy()
  return { status: answer.status, headers: answer.headers }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readRequest(raw: FastifyRequest, proxies: TrustedProxies): HttpRequest | undefined {
  if (raw.headers.host === undefined && raw.raw.httpVersion === '1.1') return undefined
  if (raw.headers.authorization !== undefined && isAmbiguous(raw.raw.rawHeaders)) return undefined
  const cut = raw.url.indexOf('?')
  let body = ''
  try {
    if (Buffer.isBuffer(raw.body) && raw.body.length > 0) body = utf8.decode(raw.body)
  } catch {
    return undefined
  }
  return {
    method: raw.method,
    path: cut < 0 ? raw.url : raw.url.slice(0, cut),
    query: cut < 0 ? '' : raw.url.slice(cut + 1),
    params: raw.params as Record<string, string>,
    header: name => {
      const value = raw.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    body,
    ip: proxies.clientAddress(raw.socket.remoteAddress ?? '', raw.headers['x-forwarded-for']?.toString()),
  }
}

/** More than one `Authorization`: Node keeps the first and says nothing, a proxy may have looked at the last. */
function isAmbiguous(rawHeaders: readonly string[]): boolean {
  const names = rawHeaders.filter((text, index) => index % 2 === 0 && text.length === 13)
  return names.filter(name => name.toLowerCase() === 'authorization').length > 1
}

/** Plain HTTP is for loopback, or for a trusted proxy that says that its own client came by TLS (RFC 9700 §2.6). */
function isInsecure(raw: FastifyRequest, proxies: TrustedProxies): boolean {
  const peer = raw.socket.remoteAddress ?? ''
  const forwarded = raw.headers['x-forwarded-proto']?.toString()
  if (proxies.has(peer)) return forwarded !== 'https' && !(forwarded === undefined && isLoopback(peer))
  return isIP(peer) !== 0 && !isLoopback(peer)
}

/** Waits only for who asks from another origin. */
function allowOrigin(
  whom: NonNullable<Route['cors']>,
  options: HttpOptions,
  noteRefused: (origin: string) => void,
): onRequestHookHandler {
  return (raw, reply, done) => {
    void reply.header('vary', 'Origin')
    const { origin } = raw.headers
    if (origin === undefined) return done()
    if (whom === 'anyone') {
      openTo('*', raw, reply)
      return done()
    }
    options.isClientOrigin(origin).then(isOpen => {
      if (isOpen) openTo(origin, raw, reply)
      else noteRefused(origin)
      done()
    }, done)
  }
}

function openTo(origin: string, raw: FastifyRequest, reply: FastifyReply): void {
  void reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': `${reasonHeader}, www-authenticate, retry-after, dpop-nonce, countersign-refresh-row`,
  })
  if (raw.method !== 'OPTIONS') return
  void reply.headers({
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
    'access-control-allow-headers': 'authorization, content-type, dpop',
    'access-control-max-age': '600',
  })
}

function answerOtherMethod(route: Route, method: string): HttpAnswer {
  const allow = { allow: [...ownMethods(route), 'OPTIONS'].join(', ') }
  return method === 'OPTIONS' ? { status: 204, headers: allow } : refusalAnswer(refuse('method_not_allowed'), allow)
}

function send(reply: FastifyReply, answer: HttpAnswer, options: HttpOptions): FastifyReply {
  void reply.code(answer.status).headers(answer.headers as Record<string, string>)
  void reply.header('x-content-type-options', 'nosniff')
  if (options.strictTransport) void reply.header('strict-transport-security', 'max-age=31536000')
  if (options.isDraining()) void reply.header('connection', 'close')
  if (answer.body instanceof Readable) letGoOfIdle(reply.raw, options.untakenSeconds ?? untakenSecondsAtMost)
  return reply.send(answer.body)
}

/** What waits to be taken is memory. Node begins anew to count with each byte that is; a stream that has nothing to say may be silent. */
function letGoOfIdle(response: ServerResponse, seconds: number): void {
  response.setTimeout(seconds * 1000, () => {
    if (response.writableLength > 0) response.destroy()
  })
}

/** What Fastify refused, or an endpoint threw. */
function answerOfError(error: unknown, log: Log): HttpAnswer {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return refusalAnswer(refuse('body_too_large'))
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return refusalAnswer(refuse('content_type_unsupported'))
  const isTheirs = typeof code === 'string' && code.startsWith('FST_ERR')
  // 400 without a code of its own: the sender broke off in the middle.
  return refusalAnswer(isTheirs || statusCode === 400 ? refuse('request_malformed') : refusalOfFailure(error, log))
}
