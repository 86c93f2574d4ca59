import { ExpressAuth, type ExpressAuthConfig, getSession } from '@auth/express'
import express, { type Express, type Request } from 'express'
import { auth, requiresAuth } from 'express-openid-connect'
import session from 'express-session'
import passport from 'passport'
import OpenIdConnectStrategy, { type Profile, type VerifyCallback } from 'passport-openidconnect'

/*
 * Web applications as the documentation of each library has them. All know the issuer, their own address, and a client with a secret. `/`
 * shows who is signed in.
 */

export interface WebApp {
  readonly issuer: string
  readonly origin: string
  readonly clientId: string
  readonly clientSecret: string
}

/** A secret of the application's own, for its cookies. */
const cookieSecret = 'a secret of at least thirty-two characters for cookies'

/** `express-openid-connect`, asking UserInfo for what the ID token does not tell: `/login`, `/refresh` and `/logout`, which signs out at the server too. */
export function expressOpenidConnectApp({ issuer, origin, clientId, clientSecret }: WebApp): Express {
  const app = express()
  app.use(
    auth({
      issuerBaseURL: issuer,
      baseURL: origin,
      clientID: clientId,
      clientSecret,
      secret: cookieSecret,
      idTokenSigningAlg: 'ES256',
      authRequired: false,
      idpLogout: true,
      authorizationParams: { response_type: 'code', scope: 'openid email' },
    }),
  )
  app.get('/', async (request, response) => {
    const user = request.oidc.isAuthenticated() ? await request.oidc.fetchUserInfo() : undefined
    response.send(page(user?.email))
  })
  app.get('/refresh', requiresAuth(), async (request, response) => {
    const before = request.oidc.accessToken
    const renewed = await before?.refresh()
    const { sub } = await request.oidc.fetchUserInfo()
    response.json({ isNew: renewed?.access_token !== before?.access_token, sub, known: request.oidc.user?.sub })
  })
  return app
}

interface PassportUser {
  readonly email: string
  readonly idToken: string
  readonly accessToken: string
  readonly refreshToken: string
}

/** `passport-openidconnect`, which has neither PKCE nor a logout of its own: that is a link to the server with the ID token. */
export function passportApp({ issuer, origin, clientId, clientSecret }: WebApp): Express {
  const app = express()
  const authenticator = new passport.Passport()
  const endpoints = { authorizationURL: `${issuer}/authorize`, tokenURL: `${issuer}/token` }
  const settings = {
    issuer,
    ...endpoints,
    userInfoURL: `${issuer}/userinfo`,
    callbackURL: `${origin}/callback`,
    scope: ['email'],
  }
  const verify = (
    _issuer: string,
    profile: Profile,
    _context: object,
    idToken: string | object,
    accessToken: string | object,
    refreshToken: string,
    done: VerifyCallback,
  ): void => {
    const email = profile.emails?.[0]?.value
    done(null, { email, idToken, accessToken, refreshToken })
  }
  authenticator.use(
    new OpenIdConnectStrategy({ ...settings, clientID: clientId, clientSecret, skipUserProfile: false }, verify),
  )
  authenticator.serializeUser((user, done) => done(null, user))
  authenticator.deserializeUser((user: Express.User, done) => done(null, user))
  app.use(session({ secret: cookieSecret, resave: false, saveUninitialized: false }))
  app.use(authenticator.session())
  const userOf = (request: Request): PassportUser | undefined => request.user as PassportUser | undefined
  app.get('/', (request, response) => void response.send(page(userOf(request)?.email)))
  app.get('/login', authenticator.authenticate('openidconnect'))
  app.get('/callback', authenticator.authenticate('openidconnect', { successRedirect: '/' }))
  app.get('/refresh', async (request, response) => {
    const form = { grant_type: 'refresh_token', client_id: clientId, client_secret: clientSecret }
    const refresh_token = userOf(request)?.refreshToken ?? ''
    const body = new URLSearchParams({ ...form, refresh_token })
    const answer = await fetch(endpoints.tokenURL, { method: 'POST', body })
    const renewed = (await answer.json()) as { access_token?: string }
    const authorization = `Bearer ${renewed.access_token}`
    const told = await fetch(settings.userInfoURL, { headers: { authorization } })
    response.json({ isNew: renewed.access_token !== userOf(request)?.accessToken, ...((await told.json()) as object) })
  })
  app.get('/logout', (request, response) => {
    const query = new URLSearchParams({
      id_token_hint: userOf(request)?.idToken ?? '',
      post_logout_redirect_uri: origin,
    })
    request.logout(() => response.redirect(`${issuer}/logout?${query}`))
  })
  return app
}

/** What Auth.js keeps in its cookie besides. */
interface KeptTokens {
  readonly access_token?: string
  readonly refresh_token?: string
}

/**
 * Auth.js, told to ask UserInfo (`idToken: false`): its own pages under `/auth`. Its cookie keeps the tokens, renewed each time that it is read, as its guide to refresh token
 * rotation has it (there: once they are old), so that `/refresh` can call with them.
 */
export function authJsApp({ issuer, clientId, clientSecret }: WebApp): Express {
  const app = express()
  async function renew(kept: KeptTokens): Promise<KeptTokens> {
    const fields = { grant_type: 'refresh_token', refresh_token: kept.refresh_token ?? '' }
    const body = new URLSearchParams({ ...fields, client_id: clientId, client_secret: clientSecret })
    const answer = await fetch(`${issuer}/token`, { method: 'POST', body })
    const renewed = (await answer.json()) as KeptTokens
    // Some providers only issue refresh tokens once, so preserve if we did not get a new one.
    return {
      access_token: renewed.access_token ?? '',
      refresh_token: renewed.refresh_token ?? kept.refresh_token ?? '',
    }
  }
  const config: ExpressAuthConfig = {
    trustHost: true,
    callbacks: {
      async jwt({ token, account }) {
        if (account) return { ...token, access_token: account.access_token, refresh_token: account.refresh_token }
        return { ...token, before: token.access_token, ...(await renew(token as KeptTokens)) }
      },
      session({ session, token }) {
        return Object.assign(session, { before: token.before, accessToken: token.access_token })
      },
    },
    secret: cookieSecret,
    providers: [
      {
        id: 'countersign',
        name: 'Countersign',
        type: 'oidc' as const,
        issuer,
        clientId,
        clientSecret,
        idToken: false,
        client: { id_token_signed_response_alg: 'ES256' },
      },
    ],
  }
  app.use('/auth', ExpressAuth(config))
  app.get('/', async (request, response) => {
    response.send(page((await getSession(request, config))?.user?.email))
  })
  app.get('/refresh', async (request, response) => {
    const session = (await getSession(request, config)) as { before?: string; accessToken?: string } | null
    const authorization = `Bearer ${session?.accessToken}`
    const told = await fetch(`${issuer}/userinfo`, { headers: { authorization } })
    response.json({ isNew: session?.accessToken !== session?.before, ...((await told.json()) as object) })
  })
  return app
}

function page(email: string | null | undefined): string {
  return `<!doctype html><title>App</title><h1>${email ? `Hello, ${email}` : 'Nobody is signed in'}</h1>`
}
