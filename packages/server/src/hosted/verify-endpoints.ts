import { type SessionOnlySnapshot, type User, useMailLink, verifyAddress } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import { type FoundLink, linkPaths } from '../mail/links.ts'
import { verificationMail } from '../mail/verification-mail.ts'
import type { AccountModel } from '../pages/account-page.ts'
import { fill } from '../pages/language/sentence.ts'
import { foreignName } from '../pages/layout.ts'
import { verifyDonePage, verifyPage } from '../pages/mail-pages.ts'
import { usesPasswords } from '../passwords/use-of-passwords.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { signInByPassword } from '../sign-in/sign-in.ts'
import { forgotPath } from './forgot-endpoints.ts'
import type { HostedServices } from './hosted-services.ts'
import { findKeptLink, isOfShownLink, linkIsOver, shownLink, takeToken } from './link-pages.ts'
import { page, pageOfRefusal, problemPage } from './page-answers.ts'
import { signInFor } from './page-commands.ts'

const path = linkPaths.verify_address

/** `GET /verify-address`. */
export function showVerify(services: HostedServices): Endpoint {
  return async http => {
    const onward = takeToken(services, http, 'verify_address')
    if (onward !== undefined) return onward
    const query = readParameters(http.query)
    if (!isRefusal(query) && query.get('done') === 'verified') {
      return page(200, verifyDonePage(services.site, { accountUrl: '/account' }))
    }
    const found = await findKeptLink(services, http, 'verify_address')
    return isRefusal(found) ? linkIsOver(services, found) : verifyAnswer(services, http, found)
  }
}

/**
 * `POST /verify-address`: the address is the user's. It takes the mail *and* the account (its session in this browser, or its password): with the mail alone, whoever has
 * the address would confirm an account that somebody else has made with it and can sign in to (attack 34, GHSA-qq9h-g4jm-xgf3).
 */
export function submitVerify(services: HostedServices): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const found = await findKeptLink(services, http, 'verify_address')
    if (isRefusal(found)) return linkIsOver(services, found)
    const again = (problem: Refusal): Promise<HttpAnswer> => verifyAnswer(services, http, found, problem)
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    if (!isOfShownLink(services, http, 'verify_address', form)) return seeOther(path)
    const device = deviceOf(http)
    if (!(await isSignedIn(services, http, found.user))) {
      const proven = await signInByPassword(
        services,
        { email: found.email, password: form.get('password') ?? '' },
        device,
      )
      if (isRefusal(proven)) return again(proven)
      if (proven.user.id !== found.user.id) return again(refuse('login_failed'))
    }
    const outcome = await decideAndCommit(services, async () => {
      const link = await findKeptLink(services, http, 'verify_address')
      if (isRefusal(link)) return link
      const change = verifyAddress(link.user, { now: link.now, device })
      const used = { table: 'mailLink' as const, row: useMailLink(link.link, link.now) }
      return { result: {}, change: { ...change, writes: [...change.writes, used] } }
    })
    if (isRefusal(outcome)) return linkIsOver(services, outcome)
    return seeOther(`${path}?done=verified`, { 'set-cookie': services.cookies.keepLink('verify_address', '') })
  }
}

async function isSignedIn(services: HostedServices, http: HttpRequest, { id }: User): Promise<boolean> {
  return (await services.cookies.session(http))?.user.id === id
}

const mailsOfOne = { kind: 'verification mails of a user', attempts: 5, windowSeconds: 3600 }

/** The command of the account page: the mail once more. */
export async function sendVerification(
  services: HostedServices,
  _http: HttpRequest,
  { user }: SessionOnlySnapshot,
): Promise<HttpAnswer | Refusal> {
  const limit = await services.counters.take(mailsOfOne, user.id)
  if (!limit.allowed) return refuse('too_many_attempts', limit)
  const { now } = await services.store.loadIssuer()
  const writes = verificationMail(services, user, { now, language: services.site.language.tag })
  if (writes.length > 0) await services.store.commit({ writes, audit: [], entries: [], durable: true, time: now })
  return seeOther('/account?done=verify_address')
}

/** What the account page says of an address that was not confirmed. */
export function verificationOf(
  services: HostedServices,
  { email, emailVerifiedAt }: User,
  isSent: boolean,
): Pick<AccountModel, 'verification'> {
  if (services.mailer === undefined || email === null || emailVerifiedAt !== null) return {}
  const { unverified, again, sent } = services.site.texts.verify
  return { verification: { text: fill(unverified, { address: foreignName(email) }), again, sent: isSent && sent } }
}

async function verifyAnswer(
  services: HostedServices,
  http: HttpRequest,
  found: FoundLink,
  problem?: Refusal,
): Promise<HttpAnswer> {
  const { csrf, setCookie } = services.cookies.form(http)
  const withPassword = usesPasswords(services.config)
  const body = verifyPage(services.site, {
    csrf,
    shown: shownLink(services, http, 'verify_address', csrf),
    email: found.email,
    ...(!(await isSignedIn(services, http, found.user)) && { asksFor: withPassword ? 'password' : 'sign-in' }),
    signInUrl: signInFor(path),
    ...(withPassword && { forgotUrl: forgotPath }),
    ...(problem && { problem }),
  })
  return problemPage(problem, body, { setCookie })
}
