import {
  type Actor,
  type Change,
  type Device,
  forgetDevice,
  giveBackIdentity,
  type Identity,
  type Instant,
  type Session,
  type SessionOnlySnapshot,
  throwOthersOut,
  type User,
  useMailLink,
  type Write,
} from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import { type FoundLink, linkPaths } from '../mail/links.ts'
import { hashOfDevice } from '../mail/mail-of-events.ts'
import type { Mailer } from '../mail/mailer.ts'
import { notMeDonePage, notMePage } from '../pages/mail-pages.ts'
import { usesPasswords } from '../passwords/use-of-passwords.ts'
import { addedAccess } from '../sign-in/added-access.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'
import type { HostedServices } from './hosted-services.ts'
import { findKeptLink, isOfShownLink, linkIsOver, shownLink, takeToken } from './link-pages.ts'
import { page, pageOfRefusal, problemPage } from './page-answers.ts'

const path = linkPaths.not_me

/** `GET /not-me`: a page with one button. It does nothing by itself: a scanner of mails would sign everybody out. */
export function showNotMe(services: HostedServices): Endpoint {
  return async http => {
    const onward = takeToken(services, http, 'not_me')
    if (onward !== undefined) return onward
    const query = readParameters(http.query)
    if (!isRefusal(query) && query.get('done') === 'ended') {
      const way = usesPasswords(services.config) ? {} : { signInUrl: '/sign-in' }
      return page(200, notMeDonePage(services.site, way))
    }
    const found = await findKeptLink(services, http, 'not_me')
    return isRefusal(found) ? linkIsOver(services, found) : notMeAnswer(services, http, found)
  }
}

/**
 * `POST /not-me`: whoever signed in knows the password, so that session ends with all others, and neither the password nor anything that was added is good for anything
 * any more. The new password is set by a mail of its own: a link that has been good for days, in a mail that says nothing of it, may have been passed on, and must not be
 * worth the account. Where nobody signs in by password, what is kept of one is not touched.
 */
export function submitNotMe(services: HostedServices, mailer: Mailer): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return pageOfRefusal(services, refuse('csrf_refused'))
    if (!isOfShownLink(services, http, 'not_me', form)) return seeOther(path)
    const outcome = await decideAndCommit(services, async () => {
      const found = await findKeptLink(services, http, 'not_me')
      return isRefusal(found) ? found : { result: {}, change: await changeOf(services, mailer, http, found) }
    })
    if (isRefusal(outcome)) return linkIsOver(services, outcome)
    const { cookies } = services
    return seeOther(`${path}?done=ended`, { 'set-cookie': [cookies.keepLink('not_me', ''), cookies.end()] })
  }
}

async function changeOf(services: HostedServices, mailer: Mailer, http: HttpRequest, found: FoundLink) {
  const { now, user, link, email } = found
  const device = deviceOf(http)
  const actor = { device, by: 'user' } as const
  const session = link.sessionId === null ? undefined : await services.store.loadSessionOnly(link.sessionId)
  const byPassword = usesPasswords(services.config)
  const thrownOut = await throwOut(services, found, session?.session, actor)
  const change = await endUserSessions(services, found, 'ended_by_user', {
    ...actor,
    ...(byPassword && { user: { passwordHash: null }, event: 'user.password_changed' }),
  })
  const { language } = services.site
  const content = { to: email, language: language.tag, time: now, device: device.label, ip: device.ip }
  const writes: readonly Write[] = [
    ...thrownOut.writes,
    ...(session ? await forgetDeviceOf(services, user, session) : []),
    { table: 'mailLink', row: useMailLink(link, now) },
    ...(byPassword ? [mailer.toUser('reset_password', user, content)] : []),
  ]
  return { ...change, writes: [...change.writes, ...writes], audit: [...thrownOut.audit, ...change.audit] }
}

/**
 * What may have been added, all of it: a new password is a way in again. Where there are none, the ways in that were there before the session stay; the one with which the
 * account began comes back, if it was taken off since; and if there is none of these, those that there are stay.
 */
async function throwOut(
  services: HostedServices,
  { now, user }: FoundLink,
  session: Session | undefined,
  actor: Actor & { readonly device: Device },
): Promise<Pick<Change, 'writes' | 'audit'>> {
  const rows = { ...actor, now }
  const added = await addedAccess(services, user)
  if (usesPasswords(services.config)) return throwOthersOut(user, added, rows)
  const isSince = (time: Instant | null): boolean => session !== undefined && time !== null && time >= session.createdAt
  const first = await firstWayIn(services, user)
  const takenOff = first !== undefined && isSince(first.unlinkedAt) ? first : undefined
  const since = added.identities.filter(({ linkedAt }) => isSince(linkedAt))
  const isLeft = (one: Identity): boolean => isOfConnection(services, one) && !since.includes(one)
  const isAnyLeft = takenOff !== undefined || added.identities.some(isLeft)
  const thrownOut = throwOthersOut(user, { ...added, identities: isAnyLeft ? since : [] }, rows)
  const back = takenOff && giveBackIdentity(user, takenOff, rows)
  return {
    writes: [...thrownOut.writes, ...(back?.writes ?? [])],
    audit: [...thrownOut.audit, ...(back?.audit ?? [])],
  }
}

/** The identity with which the account began, whether it still leads to it or was taken off; not where it is somebody else's by now. */
async function firstWayIn(services: HostedServices, { id, firstIdentity }: User): Promise<Identity | undefined> {
  if (firstIdentity === null || !isOfConnection(services, firstIdentity)) return undefined
  const { identity } = await services.store.loadUserByIdentity(firstIdentity.connection, firstIdentity.subject)
  return identity?.userId === id ? identity : undefined
}

/** One can sign in with it here. */
function isOfConnection({ connections }: HostedServices, { connection }: Pick<Identity, 'connection'>): boolean {
  return connections.byName(connection) !== undefined
}

/** Should the other come back, with a password that they have found out again, the user is told again. */
async function forgetDeviceOf(
  { store }: HostedServices,
  user: User,
  { session, now }: SessionOnlySnapshot,
): Promise<readonly Write[]> {
  const hash = hashOfDevice(user, session.device)
  const known = hash === undefined ? undefined : (await store.loadShortLived('knownDevice', hash))?.row
  return known === undefined ? [] : [{ table: 'knownDevice', row: forgetDevice(known, now) }]
}

async function notMeAnswer(services: HostedServices, http: HttpRequest, { link }: FoundLink): Promise<HttpAnswer> {
  const { csrf, setCookie } = services.cookies.form(http)
  const session = link.sessionId === null ? undefined : await services.store.loadSessionOnly(link.sessionId)
  const body = notMePage(services.site, {
    csrf,
    shown: shownLink(services, http, 'not_me', csrf),
    ...(!usesPasswords(services.config) && { withoutPassword: true }),
    ...(session && {
      session: { device: session.session.device.label, ip: session.session.device.ip, time: session.session.createdAt },
    }),
  })
  return problemPage(undefined, body, { setCookie })
}
