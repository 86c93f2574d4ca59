import type { Refusal } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import { invitationPath } from '../invitations/invitation-link.ts'
import { waysInPath } from './link-seal.ts'

/** What went wrong is told where the sign-in with others was begun, and where one can try again. */
export function toWaysIn({ reason }: Refusal): HttpAnswer {
  return seeOther(`${waysInPath}?problem=${reason}`)
}

export function toInvitation({ reason }: Refusal): HttpAnswer {
  return seeOther(`${invitationPath}?problem=${reason}`)
}

export function toSignIn(path: string, refusal?: Refusal): HttpAnswer {
  const query = new URLSearchParams({ return_to: path, ...(refusal && { problem: refusal.reason }) })
  return seeOther(`/sign-in?${query}`)
}
