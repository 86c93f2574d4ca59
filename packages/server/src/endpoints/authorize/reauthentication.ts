import { hashCode, type Instant, type Write } from '@countersign/core'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { seeOther } from '../../http/answers.ts'
import type { HttpAnswer, HttpRequest } from '../../http/message.ts'
import type { Parameters } from '../../http/read-form.ts'

/*
 * The request lives in the URL alone, and signing in leads back to it. So that nobody gets past a sign-in that was asked for (prompt=login, max_age) by editing
 * that URL, the way back carries a mark: when this request first came, in this browser. Who has signed in since then has done what was asked. The
 * mark is good for one code, and for as long as it takes to sign in and to read the consent page.
 */

/** The parameter that the way back has besides those of the request. */
export const markParameter = 'signed_in_since'
const markLifetimeMs = 15 * 60_000
const addressCharactersAtMost = 8_192

/** A mark that was shown, and is good. */
export interface Mark {
  readonly since: Instant
  /** Written in the commit that gives the code: the mark is used up. */
  readonly use: Write
}

export async function readMark(
  services: HostedServices,
  http: HttpRequest,
  address: Parameters,
  now: Instant,
): Promise<Mark | undefined> {
  const mark = address.get(markParameter)
  if (mark === undefined) return undefined
  const since = services.cookies.timeOfMark(http, requestText(address), mark)
  if (since === undefined || now - since >= markLifetimeMs) return undefined
  const hash = hashCode(`${markParameter} ${mark}`)
  if ((await services.store.loadShortLived('usedOnce', hash)) !== undefined) return undefined
  return { since, use: { table: 'usedOnce', row: { hash, expiresAt: since + markLifetimeMs, version: 0 } } }
}

/** Leads to the sign-in (or sign-up) and back. `undefined`: what is asked does not fit into an address. */
export function toSignIn(
  services: HostedServices,
  http: HttpRequest,
  address: Parameters,
  way: { page: '/sign-in' | '/sign-up'; now: Instant },
): HttpAnswer | undefined {
  const { mark, setCookie } = services.cookies.mark(http, requestText(address), way.now)
  const back = new Map(address).set(markParameter, mark)
  const location = `${way.page}?return_to=${encodeURIComponent(pathOf('/authorize', back))}`
  if (location.length > addressCharactersAtMost) return undefined
  return seeOther(location, setCookie === undefined ? {} : { 'set-cookie': setCookie })
}

/** Leads to the request as an address of ours. `undefined`: it does not fit into one. */
export function toPath(path: '/authorize' | '/consent', address: Parameters): HttpAnswer | undefined {
  const location = pathOf(path, address)
  return location.length > addressCharactersAtMost ? undefined : seeOther(location)
}

export function pathOf(path: '/authorize' | '/consent', address: Parameters): string {
  return `${path}?${new URLSearchParams([...address])}`
}

/** The same for the same parameters, in whatever order they came. */
function requestText(address: Parameters): string {
  const own = [...address].filter(([name]) => name !== markParameter)
  return new URLSearchParams(own.sort(([a], [b]) => (a < b ? -1 : 1))).toString()
}
