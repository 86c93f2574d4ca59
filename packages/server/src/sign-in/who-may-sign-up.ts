import type { Connection } from '@countersign/connections'
import type { Reason } from '@countersign/protocol'
import { usesPasswords } from '../passwords/use-of-passwords.ts'
import type { ServerConfig, Services } from '../services.ts'

type SignUp = ServerConfig['signUp']

/** Why somebody new may not come by themselves; `undefined`: anybody may. */
export function whyNoSignUp(signUp: SignUp): Extract<Reason, 'signup_closed' | 'invitation_required'> | undefined {
  if (signUp === 'open') return undefined
  return signUp === 'closed' ? 'signup_closed' : 'invitation_required'
}

/** Who may make an account by signing in with a connection. */
export function signUpBy({ signUp }: ServerConfig, connection: Connection): SignUp {
  return connection.signUp ?? signUp
}

/** The connections with which an invitation can be accepted. */
export function connectionsForInvited({
  config,
  connections,
}: Pick<Services, 'config' | 'connections'>): readonly Connection[] {
  return connections.all.filter(one => signUpBy(config, one) !== 'closed')
}

/** Whether an invitation can be accepted by choosing a password. */
export function invitedMayChoosePassword(config: ServerConfig): boolean {
  return config.signUp !== 'closed' && usesPasswords(config)
}

/** Whether there is any way to accept an invitation. */
export function takesInvitations(services: Pick<Services, 'config' | 'connections'>): boolean {
  return invitedMayChoosePassword(services.config) || connectionsForInvited(services).length > 0
}
