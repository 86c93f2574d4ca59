import { parseStrictObject, type Refusal, refuse } from '@countersign/protocol'
import { type ClientAdmin, clientSettings, newClient } from '@countersign/server'
import * as z from 'zod'

const client = z.string().min(1).max(200)
/** Ten years. */
export const secretSecondsAtMost = 315_360_000
const seconds = z.int().min(0).max(secretSecondsAtMost).optional()
const by = 'operator'
const listedAtMost = 1_000

export type ClientCommand =
  | 'list'
  | 'show'
  | 'add'
  | 'set'
  | 'rotate-secret'
  | 'retire-secret'
  | 'disable'
  | 'enable'
  | 'remove'
  | 'revoke'

type Run = (clients: ClientAdmin, argument: Record<string, unknown>) => Promise<object | Refusal>

const named =
  (act: (clients: ClientAdmin, id: string) => Promise<object | Refusal>): Run =>
  (clients, argument) => {
    const asked = z.strictObject({ client }).safeParse(argument)
    return asked.success ? act(clients, asked.data.client) : unreadable()
  }

/** The commands about clients, by name; their arguments are members of a JSON object. */
const commands: Readonly<Record<ClientCommand, Run>> = {
  list: async (clients, argument) => {
    const after = typeof argument.after === 'string' ? argument.after : ''
    return clients.list({ after, limit: listedAtMost })
  },
  show: named((clients, id) => clients.show(id)),
  disable: named((clients, id) => clients.disable(id, by)),
  enable: named((clients, id) => clients.enable(id, by)),
  remove: named((clients, id) => clients.remove(id, by)),
  revoke: named((clients, id) => clients.revoke(id, by)),
  add: async (clients, { client: id, settings }) => {
    const asked = newClient.safeParse({ ...(settings as object), id })
    return asked.success ? clients.add(asked.data, by) : wrongSetting(asked.error)
  },
  set: async (clients, { client: id, settings }) => {
    const asked = clientSettings.safeParse(settings)
    return asked.success ? clients.set(String(id), asked.data, by) : wrongSetting(asked.error)
  },
  'rotate-secret': (clients, argument) => {
    const asked = z.strictObject({ client, old_expires_in: seconds, expires_in: seconds }).safeParse(argument)
    return asked.success ? clients.rotateSecret(asked.data.client, asked.data, by) : unreadable()
  },
  'retire-secret': (clients, argument) => {
    const asked = z.strictObject({ client, secret: z.string() }).safeParse(argument)
    return asked.success ? clients.retireSecret(asked.data.client, asked.data.secret, by) : unreadable()
  },
}

export function runClientCommand(
  clients: ClientAdmin,
  command: ClientCommand,
  argument: string,
): Promise<object | Refusal> {
  const members = parseStrictObject(argument)
  return members === undefined ? unreadable() : commands[command](clients, members)
}

/** The operator's own words may be said back to the operator. */
function wrongSetting(error: z.ZodError): Refusal {
  const [issue] = error.issues
  const where = issue?.path.join('.') ?? ''
  return refuse('parameter_invalid', { detail: `${where}${where && ': '}${issue?.message ?? ''}` })
}

async function unreadable(): Promise<Refusal> {
  return refuse('request_malformed')
}
