import { createMachineTokens, createTrusted } from '@countersign/backend'
import { isRefusal } from '@countersign/protocol'

const { ISSUER = '', CLIENT_SECRET = '', OLD_ISSUER = '', OLD_CLIENT_ID = '' } = process.env

const trusted = createTrusted({
  tokens: createMachineTokens({ issuer: ISSUER, clientId: 'reports', clientSecret: CLIENT_SECRET }),
})

/** For a refresh token of the old system: our tokens for the same user. `undefined`: the old one is over, they have to sign in. */
export async function moveSession(oldRefreshToken: string): Promise<string | undefined> {
  const redeem = { grant_type: 'refresh_token', refresh_token: oldRefreshToken, client_id: OLD_CLIENT_ID }
  const redeemed = await fetch(`${OLD_ISSUER}/token`, { method: 'POST', body: new URLSearchParams(redeem) })
  if (redeemed.status === 400 || redeemed.status === 401) return undefined
  if (!redeemed.ok) throw new Error(`the old system answers ${redeemed.status}`)
  const { access_token: token } = (await redeemed.json()) as { access_token: string }
  const told = await fetch(`${OLD_ISSUER}/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  if (!told.ok) throw new Error(`the old system answers ${told.status}`)
  const { sub } = (await told.json()) as { sub: string }
  const session = await trusted.createSession({ clientId: 'notes-app', user: { externalId: sub } })
  if (isRefusal(session)) throw new Error(session.reason)
  return JSON.stringify(session)
}
