import { createHash } from 'node:crypto'
import type { WebPlatform } from '../platform.ts'
import type { CookieJar } from './cookie-jar.ts'
import { createEndedSessions } from './ended-sessions.ts'
import type { Secrets } from './secrets.ts'
import type { SessionStore, StoredSession } from './session-store.ts'
import type { WebLogin } from './web-login.ts'

/** A login as it was read from a request. */
export interface KeptLogin {
  readonly login: WebLogin
  /** Of a store. */
  readonly place?: { readonly cookie: string; readonly version: number }
}

/** Where logins are between two requests. */
export interface LoginKeeper {
  /** The login that the request's cookie stands for. */
  read(request: Request): Promise<KeptLogin | undefined>
  /** A new login takes the place of whatever the request had. Returns `Set-Cookie` headers, as all below. */
  begin(request: Request, login: WebLogin): Promise<readonly string[]>
  /** What was renewed. If another process was faster, what it has kept is as good: both were given the same tokens. */
  renew(request: Request, kept: KeptLogin, login: WebLogin): Promise<readonly string[]>
  /** The login is over, and nobody has asked for that here. The cookie stays: a newer sign-in may have written it meanwhile, and it opens nothing any more. */
  forget(kept: KeptLogin): Promise<void>
  end(request: Request): Promise<readonly string[]>
  /** The issuer has ended a session: the logins in it are over. */
  endSession(sessionId: string): Promise<void>
}

export interface KeeperOptions {
  readonly jar: CookieJar
  readonly secrets: Secrets
  readonly cookieName: string
  readonly cookieSeconds: number
  readonly platform: WebPlatform
}

const sealedPurpose = 'login'

/** Everything is in the cookie: nothing to run beside the app. A copy of the cookie is a copy of the login until that ends. */
export function createCookieKeeper({ jar, secrets, cookieName, cookieSeconds, platform }: KeeperOptions): LoginKeeper {
  const ended = createEndedSessions(platform)
  const write = (request: Request, login: WebLogin): readonly string[] =>
    jar.write(request, cookieName, secrets.seal(sealedPurpose, login), { maxAgeSeconds: cookieSeconds })
  return {
    async read(request) {
      const value = jar.read(request, cookieName)
      const login = value === undefined ? undefined : openLogin(secrets, value)
      return login === undefined || ended.include(login) ? undefined : { login }
    },
    begin: async (request, login) => write(request, login),
    renew: async (request, _kept, login) => write(request, login),
    forget: async () => {},
    end: async request => jar.clear(request, cookieName),
    endSession: async sessionId => ended.add(sessionId),
  }
}

/** The cookie is 32 random bytes; the store has the login under their hash, sealed by a key that the cookie is part of. */
export function createStoreKeeper(
  { jar, secrets, cookieName, cookieSeconds, platform }: KeeperOptions,
  store: SessionStore,
): LoginKeeper {
  const cookieLine = (request: Request, cookie: string): readonly string[] =>
    jar.write(request, cookieName, cookie, { maxAgeSeconds: cookieSeconds })
  const rowOf = (cookie: string, login: WebLogin): Omit<StoredSession, 'version'> => ({
    sealed: secrets.seal(sealedPurpose, login, cookie),
    endsAt: platform.now() + cookieSeconds * 1000,
    session: typeof login.person.sid === 'string' ? keyOf(`session ${login.person.sid}`) : null,
  })

  async function remove(request: Request): Promise<void> {
    const cookie = jar.read(request, cookieName)
    if (cookie !== undefined) await store.remove(keyOf(cookie))
  }

  return {
    async read(request) {
      const cookie = jar.read(request, cookieName)
      const found = cookie === undefined ? undefined : await store.load(keyOf(cookie), platform.now())
      if (cookie === undefined || found === undefined) return undefined
      const login = openLogin(secrets, found.sealed, cookie)
      return login && { login, place: { cookie, version: found.version } }
    },
    async begin(request, login) {
      // Never the cookie that was there: somebody may have planted it, and would share the login (session fixation).
      const cookie = platform.randomBytes(32).toString('base64url')
      await store.save(keyOf(cookie), rowOf(cookie, login), 0, platform.now())
      await remove(request)
      return cookieLine(request, cookie)
    },
    async renew(request, { place }, login) {
      if (place === undefined) return []
      await store.save(keyOf(place.cookie), rowOf(place.cookie, login), place.version, platform.now())
      return cookieLine(request, place.cookie)
    },
    async forget({ place }) {
      if (place !== undefined) await store.remove(keyOf(place.cookie))
    },
    async end(request) {
      await remove(request)
      return jar.clear(request, cookieName)
    },
    endSession: sessionId => store.removeOf(keyOf(`session ${sessionId}`)),
  }
}

/** A login whose key went with its secret cannot be renewed any more. */
function openLogin(secrets: Secrets, sealed: string, salt?: string): WebLogin | undefined {
  const login = secrets.open(sealedPurpose, sealed, salt) as WebLogin | undefined
  return login !== undefined && secrets.proofKey(login.keyId) !== undefined ? login : undefined
}

function keyOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64url')
}
