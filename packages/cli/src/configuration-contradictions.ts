import { defaultRefreshPolicy } from '@countersign/core'
import { isLoopback, rightsOfBackEnds, type WrittenClient } from '@countersign/server'
import type * as z from 'zod'
import { separateKeys, type WrittenConfiguration } from './configuration-schema.ts'

/*
 * What is allowed key by key, and does not go together.
 */

/** Judged of all that can be read: a fault elsewhere hides nothing that does not go together. */
export const configurationSchema: z.ZodType<WrittenConfiguration> = separateKeys.superRefine(
  (written, context) => {
    const wrong = context.issues.map(({ path = [] }) => path)
    const isSound: IsSound = (key, index) =>
      !wrong.some(path => path[0] === key && (index === undefined || path.length === 1 || path[1] === index))
    for (const { path, message } of judges.flatMap(judge => judge(written, isSound))) {
      context.addIssue({ code: 'custom', path: [...path], message })
    }
  },
  { when: () => true },
)

interface Contradiction {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Whether nothing is wrong with a key by itself; with `index`, with one entry of its list. */
type IsSound = (key: keyof WrittenConfiguration, index?: number) => boolean

/** Reads only what is sound: `written` holds anything elsewhere. */
type Judge = (written: WrittenConfiguration, isSound: IsSound) => readonly Contradiction[]

const judges: readonly Judge[] = [judgeRegistration, judgeMail, judgeAddress, judgeClients]

function judgeRegistration(written: WrittenConfiguration, isSound: IsSound): readonly Contradiction[] {
  const found: Contradiction[] = []
  const isRight = (scope: string): boolean => scope === 'account' || rightsOfBackEnds.includes(scope)
  const rights = isSound('registration_scopes') ? written.registration_scopes.filter(isRight) : []
  if (rights.length > 0) {
    const message = `cannot hold ${rights.join(', ')}: that is for your own applications`
    found.push({ path: ['registration_scopes'], message })
  }
  const tokensAreThere = !isSound('registration_tokens') || written.registration_tokens.length > 0
  if (isSound('registration') && written.registration === 'token' && !tokensAreThere) {
    found.push({ path: ['registration_tokens'], message: 'are needed for registration: "token"' })
  }
  return found
}

function judgeMail(written: WrittenConfiguration, isSound: IsSound): readonly Contradiction[] {
  if (!isSound('smtp_url') || !isSound('mail_from')) return []
  if ((written.smtp_url === undefined) === (written.mail_from === undefined)) return []
  const missing = written.smtp_url === undefined ? 'smtp_url' : 'mail_from'
  return [{ path: [missing], message: 'is needed too: smtp_url and mail_from go together' }]
}

/** Off loopback, tokens and passwords would cross the network in the clear. */
function judgeAddress(written: WrittenConfiguration, isSound: IsSound): readonly Contradiction[] {
  const found: Contradiction[] = []
  const { issuer, host } = written
  if (isSound('issuer') && issuer?.startsWith('http:') && !isLocal(issuer)) {
    found.push({ path: ['issuer'], message: 'must be an https: URL, unless it is on loopback' })
  }
  const isBehindProxy = !isSound('trusted_proxies') || written.trusted_proxies.length > 0
  if (isSound('host') && !isLocalHost(host) && !isBehindProxy) {
    const message =
      'Plain HTTP is refused off loopback. Listen on 127.0.0.1, or name the TLS proxy in front in trusted_proxies.'
    found.push({ path: ['host'], message })
  }
  return found
}

function judgeClients(written: WrittenConfiguration, isSound: IsSound): readonly Contradiction[] {
  if (!Array.isArray(written.clients)) return []
  const issuer = isSound('issuer') ? written.issuer : undefined
  const isUnsafe = isSound('unsafe_refresh_policy') && written.unsafe_refresh_policy
  const ids = written.clients.map((client, index) => (isSound('clients', index) ? client.id : undefined))
  return written.clients.flatMap((client, index) => {
    if (!isSound('clients', index)) return []
    const say = (key: string, message: string): Contradiction => ({ path: ['clients', index, key], message })
    return [
      ...(ids.indexOf(client.id) < index ? [say('id', 'is that of another client too')] : []),
      ...(letsGraceOverlap(client) && !isUnsafe
        ? [say('minimum_life_seconds', 'must be at least twice grace_seconds')]
        : []),
      ...(holdsPlaceholder(client) && issuer !== undefined && !isLocal(issuer)
        ? [say('secrets', `holds a placeholder of the examples, which everybody knows. A good one: ${goodSecret}`)]
        : []),
    ]
  })
}

const goodSecret = `node -p "crypto.randomBytes(32).toString('base64url')"`

function letsGraceOverlap({ grace_seconds, minimum_life_seconds }: WrittenClient): boolean {
  const { graceSeconds, minimumLifeSeconds } = defaultRefreshPolicy
  return (minimum_life_seconds ?? minimumLifeSeconds) < 2 * (grace_seconds ?? graceSeconds)
}

export function holdsPlaceholder({ secrets }: WrittenClient): boolean {
  return secrets?.some(secret => secret.toLowerCase().startsWith('replace-this')) ?? false
}

function isLocal(issuer: string): boolean {
  return isLocalHost(new URL(issuer).hostname.replace(/^\[|\]$/g, ''))
}

function isLocalHost(host: string): boolean {
  return host === 'localhost' || isLoopback(host)
}
