import { invitationSeconds } from '@countersign/core'
import { isRefusal, parseStrictObject, type Refusal, refuse } from '@countersign/protocol'
import { type Admin, writtenRights } from '@countersign/server'
import * as z from 'zod'

const newUser = z.strictObject({
  email: z.string().max(254),
  name: z.string().max(200).optional(),
  password: z.string().max(1024).optional(),
})
const newRights = z.strictObject({ user: z.string().min(1).max(254), rights: writtenRights })

export const invitationDays: Readonly<Record<'least' | 'most', number>> = {
  least: 0.01,
  most: invitationSeconds.atMost / 86_400,
}

const newInvitation = z.strictObject({
  email: z.string().max(254),
  delivery: z.enum(['mail', 'link']),
  days: z.number().min(invitationDays.least).max(invitationDays.most).optional(),
  language: z.string().min(2).max(35).optional(),
  client_id: z.string().min(1).max(2000).optional(),
  rights: writtenRights.optional(),
})

/** The commands about users whose arguments are members of a JSON object. */
export async function addUser(admin: Admin, argument: string): Promise<object | Refusal> {
  const asked = newUser.safeParse(parseStrictObject(argument))
  return asked.success ? admin.addUser(asked.data) : wrong(asked.error)
}

export async function setUserRights(admin: Admin, argument: string): Promise<object | Refusal> {
  const asked = newRights.safeParse(parseStrictObject(argument))
  return asked.success ? admin.setRights(asked.data.user, asked.data.rights) : wrong(asked.error)
}

/** Some lines of a file; what stands in them is read where they are judged. */
const importedLines = z.strictObject({
  dry_run: z.boolean(),
  lines: z.array(z.strictObject({ line: z.int().min(1), text: z.string() })),
})

export async function importUsers(admin: Admin, argument: string): Promise<object | Refusal> {
  const asked = importedLines.safeParse(parseStrictObject(argument))
  return asked.success
    ? admin.importUsers(asked.data.lines, { isDryRun: asked.data.dry_run })
    : refuse('request_malformed')
}

const noMail = 'There is no mail server by which it could be sent; with --link the link is printed, for you to pass on.'

export async function inviteUser(admin: Admin, argument: string): Promise<object | Refusal> {
  const asked = newInvitation.safeParse(parseStrictObject(argument))
  if (!asked.success) return wrong(asked.error)
  const { days, client_id: clientId, ...wanted } = asked.data
  const life = days === undefined ? {} : { lifeSeconds: Math.round(days * 86_400) }
  const answer = await admin.inviteUser({ ...wanted, ...life, ...(clientId !== undefined && { clientId }) })
  return isRefusal(answer) && answer.reason === 'mail_not_configured'
    ? refuse(answer.reason, { detail: noMail })
    : answer
}

/** Which one, and what is wrong with it; never what was written, which may be a password. */
function wrong(error: z.ZodError): Refusal {
  const [issue] = error.issues
  return refuse('parameter_invalid', { detail: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` })
}
