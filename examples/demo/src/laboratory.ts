import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createMachineTokens, createTrusted } from '@countersign/backend'
import type { System } from '@countersign/cli'
import { signJws } from '@countersign/core'
import { errorBody, isRefusal, refuse } from '@countersign/protocol'
import type { Laboratory } from './app-server.ts'

/*
 * What an attacker would have to steal first, handed out on request. It exists in the demo alone: not for copying. It answers
 * this machine and its own page only, and only if the issuer is on this machine too.
 */

export interface LaboratoryOptions {
  readonly issuer: string
  /** Of `demo-api`: may introspect and open sessions for users. */
  readonly clientId: string
  readonly clientSecret: string
  readonly server: System['server']
}

type Claims = Readonly<Record<string, unknown>> & { readonly active: boolean }
type Instrument = (input: Readonly<Record<string, string>>) => Promise<object>

export function createLaboratory({ issuer, clientId, clientSecret, server }: LaboratoryOptions): Laboratory {
  const { services, admin } = server

  /** Asks the server about a token, as an API would (RFC 7662). */
  async function introspect(token = ''): Promise<Claims> {
    const body = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret })
    const answer = await fetch(`${issuer}/introspect`, { method: 'POST', body })
    return (await answer.json()) as Claims
  }

  const instruments: Readonly<Record<string, Instrument>> = {
    introspect: ({ token }) => introspect(token),

    /** A login without a key, for whoever is signed in: as an app without DPoP would have one. */
    async 'unbound-login'({ token }) {
      const { active, sub } = await introspect(token)
      if (!active) return refuse('login_required')
      // Made anew each time: the laboratory retires keys quicker than a back end should have to ask for new tokens.
      const trusted = createTrusted({ tokens: createMachineTokens({ issuer, clientId, clientSecret }) })
      return trusted.createSession({ clientId: 'demo-unbound', user: { id: String(sub) } })
    },

    /** The same claims once more, signed with the real key, by somebody who has only that one key. */
    async forge({ token }) {
      const { active, token_type: _type, ...claims } = await introspect(token)
      if (!active) return refuse('login_required')
      const { signer } = services.keys.mint()
      const jti = randomBytes(28).toString('base64url')
      return { token: signJws(signer, { ...claims, jti }), kid: signer.kid }
    },

    /** `countersign keys retire`, as an operator would. */
    async 'retire-key'({ kid = '' }) {
      const views = await admin.retireKey(kid)
      return isRefusal(views) ? views : { at: Date.now() }
    },

    /** When a session ended by the store's clock, which here is the page's. */
    async 'session-end'({ session_id = '' }) {
      const ended = (await services.store.loadSession(session_id))?.session
      return { ended_at: ended?.endedAt ?? null, reason: ended?.endReason ?? null }
    },
  }

  return async (request, response) => {
    const name = /^\/laboratory\/([\w-]+)$/.exec(request.url ?? '')?.[1] ?? ''
    if (!Object.hasOwn(instruments, name)) return false
    const instrument = instruments[name] as Instrument
    if (request.method !== 'POST' || !isOwnPage(request, issuer))
      send(response, 403, errorBody(refuse('origin_refused')))
    else {
      const result = await instrument(await readInput(request))
      send(response, isRefusal(result) ? 400 : 200, isRefusal(result) ? errorBody(result) : result)
    }
    return true
  }
}

const loopback = /^(127(\.\d+){3}|\[?::1\]?|::ffff:127(\.\d+){3})$/

function isOwnPage(request: IncomingMessage, issuer: string): boolean {
  return (
    loopback.test(request.socket.remoteAddress ?? '') &&
    loopback.test(new URL(issuer).hostname) &&
    request.headers['sec-fetch-site'] === 'same-origin'
  )
}

const inputBytesAtMost = 20_000

async function readInput(request: IncomingMessage): Promise<Record<string, string>> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > inputBytesAtMost) return {}
  }
  try {
    const input: unknown = JSON.parse(text)
    const entries = Object.entries(Object(input)).filter(([, value]) => typeof value === 'string')
    return Object.fromEntries(entries) as Record<string, string>
  } catch {
    return {}
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(body))
}
