import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  type Instant,
  isId,
  type MacKey,
  type MailLinkPurpose,
  type RandomBytes,
  type Session,
  type SessionOnlySnapshot,
  sessionIsOver,
} from '@countersign/core'
import type { Store } from '@countersign/store'
import type { HttpRequest } from '../http/message.ts'

/*
 * The hosted pages know these cookies, all HttpOnly, SameSite=Lax and, over TLS, Secure with the __Host- prefix (RFC 6265bis §4.1.3.2): no
 * sibling host can plant them.
 *
 *   countersign       the session: id ‖ HMAC(cookie key, id ‖ the session's salt). Like a refresh token it is derived, not
 *                     stored: a stolen database holds no cookie.
 *   countersign_form  a random value that every form's `csrf` field is made from, so that no other site can post a form
 *                     (sign-in included: login CSRF). Marks and seals are made from it too: they are good in this browser alone.
 *   countersign_language  the language that was chosen in the menu: for a year, and no secret.
 *   countersign_link_…  the token of a mail's link, for the hour in which its page is used: in the address it would be seen, and told on.
 */

/** Reads and writes the cookies of the hosted pages. */
export interface Cookies {
  /** The living session that the request's cookie names. */
  session(request: HttpRequest): Promise<SessionOnlySnapshot | undefined>
  /** `Set-Cookie` for a new session. */
  begin(session: Session): string
  /** `Set-Cookie` that ends it. */
  end(): string
  /** `Set-Cookie` that keeps the token of a link of this kind; an empty one lets go of it. */
  keepLink(purpose: KeptLink, token: string): string
  keptLink(request: HttpRequest, purpose: KeptLink): string | undefined
  /** The `csrf` field of a form, with the `Set-Cookie` that it needs if the browser has none yet. */
  form(request: HttpRequest): { csrf: string; setCookie?: string }
  /** Says that `about` was asked for at `time` in this browser, with the `Set-Cookie` that it needs if the browser has none yet. */
  mark(request: HttpRequest, about: string, time: Instant): { mark: string; setCookie?: string }
  /** The time that a mark says; `undefined` if it is about something else, of another browser, or was not made here. */
  timeOfMark(request: HttpRequest, about: string, mark: string): Instant | undefined
  /** The language that was chosen in this browser. */
  language(request: HttpRequest): string | undefined
  /** `Set-Cookie` for it. */
  keepLanguage(tag: string): string
  /** True if the form was made by a page of ours for this browser. */
  formIsOurs(request: HttpRequest, csrf: string | undefined): boolean
  /** The field of a form that says what its page showed; it belongs to the `csrf` field beside it. */
  seal(csrf: string, shown: string): string
  /** True if the page of a form that is ours showed just this. */
  sealIsOf(csrf: string, shown: string, seal: string | undefined): boolean
}

/** What the link of a page is good for. */
export type KeptLink = MailLinkPurpose | 'invitation'

export interface CookieOptions {
  readonly issuer: string
  readonly store: Store
  readonly cookieKey: MacKey
  readonly random: RandomBytes
}

const formBytes = 16
const languageSeconds = 365 * 86_400
/** So long may somebody think about a page that a mail has led them to. */
const keptLinkSeconds = 3_600

export function createCookies({ issuer, store, cookieKey, random }: CookieOptions): Cookies {
  const secure = issuer.startsWith('https:')
  const prefix = secure ? '__Host-' : ''
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

  function read(request: HttpRequest, name: string): string | undefined {
    const wanted = `${prefix}${name}=`
    const found = (request.header('cookie') ?? '').split(/; */).filter(pair => pair.startsWith(wanted))
    // Two of one name: somebody tossed one in, and which is ours would be a guess.
    return found.length === 1 ? found[0]?.slice(wanted.length) : undefined
  }

  const csrfOf = (value: string): string =>
    createHmac('sha256', cookieKey).update('form').update(value).digest('base64url')

  function formOf(request: HttpRequest): { value: string; setCookie?: string } {
    const known = read(request, 'countersign_form')
    if (known !== undefined && /^[\w-]{22}$/.test(known)) return { value: known }
    const value = random(formBytes).toString('base64url')
    return { value, setCookie: `${prefix}countersign_form=${value}; ${attributes}` }
  }

  const sealOf = (csrf: string, shown: string): string =>
    createHmac('sha256', cookieKey).update('shown').update(`${csrf} ${shown}`).digest('base64url')

  const markOf = (value: string, about: string, time: string): string => {
    const mac = createHmac('sha256', cookieKey).update('mark').update(value).update(`${time} ${about}`)
    return `${time}.${mac.digest('base64url')}`
  }

  return {
    async session(request) {
      const value = read(request, 'countersign')
      const [id, mac, ...rest] = value?.split('.') ?? []
      if (id === undefined || mac === undefined || rest.length > 0 || !isId(id)) return undefined
      const snapshot = await store.loadSessionOnly(id)
      if (!snapshot?.session.cookieSalt || !equal(mac, macOf(cookieKey, id, snapshot.session.cookieSalt)))
        return undefined
      return sessionIsOver(snapshot.session, snapshot) === undefined ? snapshot : undefined
    },
    begin(session) {
      const mac = macOf(cookieKey, session.id, session.cookieSalt ?? Buffer.alloc(0))
      const seconds = Math.floor((session.absoluteEndAt - session.authenticatedAt) / 1000)
      return `${prefix}countersign=${session.id}.${mac}; Max-Age=${seconds}; ${attributes}`
    },
    end: () => `${prefix}countersign=; Max-Age=0; ${attributes}`,
    keepLink: (purpose, token) =>
      `${prefix}countersign_link_${purpose}=${token}; Max-Age=${token === '' ? 0 : keptLinkSeconds}; ${attributes}`,
    keptLink: (request, purpose) => read(request, `countersign_link_${purpose}`),
    form(request) {
      const { value, ...cookie } = formOf(request)
      return { csrf: csrfOf(value), ...cookie }
    },
    mark(request, about, time) {
      const { value, ...cookie } = formOf(request)
      return { mark: markOf(value, about, time.toString(36)), ...cookie }
    },
    timeOfMark(request, about, mark) {
      const value = read(request, 'countersign_form')
      const [, time] = /^([0-9a-z]{1,11})\.[\w-]{43}$/.exec(mark) ?? []
      if (value === undefined || time === undefined || !equal(mark, markOf(value, about, time))) return undefined
      return Number.parseInt(time, 36)
    },
    language: request => read(request, 'countersign_language'),
    keepLanguage: tag => `${prefix}countersign_language=${tag}; Max-Age=${languageSeconds}; ${attributes}`,
    formIsOurs(request, csrf) {
      const site = request.header('sec-fetch-site')
      if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
      const origin = request.header('origin')
      if (origin !== undefined && origin !== issuer) return false
      const value = read(request, 'countersign_form')
      return value !== undefined && csrf !== undefined && equal(csrf, csrfOf(value))
    },
    seal: sealOf,
    sealIsOf: (csrf, shown, seal) => seal !== undefined && equal(seal, sealOf(csrf, shown)),
  }
}

function macOf(key: MacKey, id: string, salt: Buffer): string {
  return createHmac('sha256', key).update('session').update(id).update(salt).digest('base64url')
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
