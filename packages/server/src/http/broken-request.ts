import type { Duplex } from 'node:stream'
import { type Reason, reasonHeader, refuse } from '@countersign/protocol'
import { refusalAnswer } from './answers.ts'

/*
 * Answers for what never becomes a request: written to the socket by hand, in the form of all our refusals.
 */

/** A refused client that still sends is listened to for so long, so that the answer reaches it before the connection breaks. */
const lingerMs = 1_000

/** What Node could not even parse: 431 for headers that are too large, 408 for slow ones, 400 for the rest. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'HPE_HEADER_OVERFLOW') end(socket, '431 Request Header Fields Too Large', 'headers_too_large')
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') end(socket, '408 Request Timeout', 'request_malformed')
  else end(socket, '400 Bad Request', 'request_malformed')
}

/** `CONNECT`: this is no proxy. */
export function answerTunnel(_request: unknown, socket: Duplex): void {
  socket.on('error', () => {})
  end(socket, '400 Bad Request', 'request_malformed')
}

function end(socket: Duplex, status: string, reason: Reason): void {
  // The rest of what was refused is an error again; it was answered.
  if (!socket.writable) return
  const body = String(refusalAnswer(refuse(reason)).body)
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\n${reasonHeader}: ${reason}\r\n` +
      `Cache-Control: no-store\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(timer)).resume()
}
