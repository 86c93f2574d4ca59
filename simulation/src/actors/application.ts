import { createHash } from 'node:crypto'
import type { HttpRequest } from '@countersign/server'
import { redirectUriOf } from '../world/clients.ts'
import type { Dice } from '../world/dice.ts'
import type { Network } from '../world/network.ts'
import type { VirtualTime } from '../world/virtual-time.ts'
import type { Browser } from './browser.ts'
import { ask, type ClientCredentials, formRequest, type PlainClient, type RetryHabits } from './plain-client.ts'

/** A code with what is needed to redeem it. */
export interface HeldCode {
  readonly code: string
  readonly verifier: string
}

/** Somebody else's application: its users come by authorization code and PKCE (RFC 6749 §4.1, RFC 7636). */
export interface Application {
  /** Asks the user anew until there is a login, as long as the habits allow. */
  signIn(): Promise<void>
  /** Presents the last code once more, as a page that is loaded again does. */
  repeatCode(): Promise<void>
  /** The last code that it was given. */
  readonly held: () => HeldCode | undefined
  /** Sees each code as it passes through the address bar. */
  tap: ((code: string) => void) | undefined
}

const signInsAtMost = 3

export function createApplication(
  world: { time: VirtualTime; dice: Dice; network: Network },
  client: PlainClient,
  browser: Browser,
  habits: RetryHabits,
): Application {
  const { time, dice } = world
  const { credentials, sender } = client
  let held: HeldCode | undefined

  /** Once; `undefined`: nobody knows. */
  async function redeem({ code, verifier }: HeldCode): Promise<'tokens' | 'refused' | undefined> {
    const request = redemption(credentials, { code, code_verifier: verifier }, sender.ip)
    const sentAt = time.now()
    const answer = await ask(world, sender, request, habits.patience)
    if (answer === undefined || answer.status >= 429) return undefined
    if (answer.status !== 200) return 'refused'
    const body = JSON.parse(String(answer.body)) as Record<string, unknown>
    client.ended = undefined
    client.refreshToken = String(body.refresh_token)
    client.accessToken = String(body.access_token)
    client.expiresAt = sentAt + Number(body.expires_in) * 1000
    return 'tokens'
  }

  /** One way through: a code, and its redemption with as many tries as it is used to. */
  async function once(): Promise<'tokens' | 'refused' | undefined> {
    const verifier = dice.bytes(32).toString('base64url')
    const code = (await browser.follow(authorizePath(credentials.clientId, verifier)))?.get('code')
    if (!code) return undefined
    application.tap?.(code)
    held = { code, verifier }
    // The redirect, and the application's own server.
    await time.sleep(dice.chance(0.2) ? dice.between(1_000, 20_000) : dice.between(5, 300))
    for (const pause of [0, ...habits.pauses]) {
      if (pause > 0) await time.sleep(pause)
      const outcome = await redeem(held)
      if (outcome !== undefined) return outcome
    }
    return undefined
  }

  const application: Application = {
    async signIn() {
      for (let tries = 0; tries < signInsAtMost; tries++) if ((await once()) === 'tokens') return
    },
    async repeatCode() {
      if (held !== undefined) await redeem(held)
    },
    held: () => held,
    tap: undefined,
  }
  return application
}

function authorizePath(clientId: string, verifier: string): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUriOf(clientId),
    state: 'state',
    scope: 'account',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return `/authorize?${query}`
}

export function redemption(
  credentials: ClientCredentials,
  fields: { readonly code: string; readonly code_verifier: string },
  ip: string,
): HttpRequest {
  const redirect_uri = redirectUriOf(credentials.clientId)
  return formRequest(credentials, { grant_type: 'authorization_code', redirect_uri, ...fields }, ip)
}
