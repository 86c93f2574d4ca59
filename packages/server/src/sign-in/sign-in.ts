import { type Device, emailKey, mayUse } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { addressKey } from '../passwords/address-key.ts'
import { passwordsRefused } from '../passwords/use-of-passwords.ts'
import type { Services } from '../services.ts'
import { asTheyAreNow } from './shown-password.ts'
import type { SignedIn } from './signed-in.ts'

/**
 * Signs in by password, where there are any: count the attempt → load → judge. An unknown address and a wrong password are alike in text and in
 * the work done; a disabled account is told only to who knows its password.
 */
export async function signInByPassword(
  services: Services,
  credentials: { email: string; password: string },
  device: Device,
): Promise<SignedIn | Refusal> {
  const { store, passwords, loginLimits } = services
  const off = passwordsRefused(services.config)
  if (off !== undefined) return off
  const key = emailKey(credentials.email)
  const attempt = await loginLimits.begin(key, device.ip, {
    signedInFrom: async () => key !== null && (await hasSessionFrom(services, key, device.ip)),
  })
  if (isRefusal(attempt)) return attempt
  try {
    const snapshot = await store.loadUserByEmail(key ?? '')
    const from = addressKey(device.ip)
    const { matches, needsRehash } = await passwords.verify(credentials.password, snapshot.user?.passwordHash ?? null, {
      from,
      importedWork: snapshot.issuer.importedWork,
    })
    if (snapshot.user === undefined || !matches) return refuse('login_failed')
    await attempt.succeeded()
    if (!mayUse(snapshot.user)) return refuse('user_disabled')
    // Loaded again: the password may have been changed while this one was being judged.
    const signedIn = { ...snapshot, user: snapshot.user, amr: ['pwd'], needsRehash }
    return await asTheyAreNow(services, signedIn, { password: credentials.password, from })
  } catch (error) {
    await attempt.withdrawn()
    throw error
  }
}

async function hasSessionFrom(services: Services, key: string, ip: string): Promise<boolean> {
  const { user } = await services.store.loadUserByEmail(key)
  const sessions = user ? await services.store.listSessions(user.id) : []
  return sessions.some(({ session }) => addressKey(session.device.ip) === addressKey(ip))
}
