import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { join, relative } from 'node:path'
import { errorBody, isRefusal, parseStrictObject, reasons } from '@countersign/protocol'
import type { Admin, Log } from '@countersign/server'
import { runPruneAudit } from './run-audit-command.ts'
import { type ClientCommand, runClientCommand } from './run-client-command.ts'
import { addUser, importUsers, inviteUser, setUserRights } from './run-user-command.ts'

/*
 * The operator's commands reach a running server over a Unix socket in the data folder, mode 0600: who may open the folder
 * may do everything anyway.
 */

export type AdminCommand =
  | 'users show'
  | 'users list'
  | 'users add'
  | 'users set'
  | 'users import'
  | 'users imported'
  | 'users invite'
  | 'users invitations'
  | 'users uninvite'
  | 'users disable'
  | 'users enable'
  | 'users delete'
  | 'keys list'
  | 'keys rotate'
  | 'keys retire'
  | 'audit read'
  | 'audit anchor'
  | 'audit prune'
  | 'audit delete-pruned'
  | 'revoke all'
  | `clients ${ClientCommand}`

type Run = (admin: Admin, argument: string) => object | Promise<object>

const commands: Readonly<Record<AdminCommand, Run>> = {
  'users show': (admin: Admin, id: string) => admin.showUser(id),
  'users list': (admin: Admin, after: string) => admin.listUsers(after),
  'users add': addUser,
  'users set': setUserRights,
  'users import': importUsers,
  'users imported': (admin: Admin) => admin.countImportedPasswords(),
  'users invite': inviteUser,
  'users invitations': (admin: Admin) => admin.listInvitations(),
  'users uninvite': (admin: Admin, who: string) => admin.withdrawInvitation(who),
  'users disable': (admin: Admin, id: string) => admin.disableUser(id),
  'users enable': (admin: Admin, id: string) => admin.enableUser(id),
  'users delete': (admin: Admin, id: string) => admin.deleteUser(id),
  'keys list': (admin: Admin) => admin.listKeys(),
  'keys rotate': (admin: Admin) => admin.rotateKeys(),
  'keys retire': (admin: Admin, id: string) => admin.retireKey(id),
  'revoke all': (admin: Admin) => admin.revokeAll(),
  'audit read': (admin: Admin, after: string) => admin.readAudit(Number(after)),
  'audit anchor': async (admin: Admin) => (await admin.auditAnchor()) ?? {},
  'audit prune': runPruneAudit,
  'audit delete-pruned': (admin: Admin) => admin.deletePrunedAudit(),
  'clients list': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'list', argument),
  'clients show': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'show', argument),
  'clients add': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'add', argument),
  'clients set': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'set', argument),
  'clients rotate-secret': (admin: Admin, argument: string) =>
    runClientCommand(admin.clients, 'rotate-secret', argument),
  'clients retire-secret': (admin: Admin, argument: string) =>
    runClientCommand(admin.clients, 'retire-secret', argument),
  'clients disable': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'disable', argument),
  'clients enable': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'enable', argument),
  'clients remove': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'remove', argument),
  'clients revoke': (admin: Admin, argument: string) => runClientCommand(admin.clients, 'revoke', argument),
}

export function runAdminCommand(admin: Admin, command: AdminCommand, argument: string): Promise<object> {
  return Promise.resolve(commands[command](admin, argument))
}

/** The shorter way to it: the name of a Unix socket has 107 bytes at most, and a folder may lie deep. */
function socketOf(folder: string): string {
  const [whole, fromHere] = [join(folder, 'admin.sock'), relative('.', join(folder, 'admin.sock'))]
  return fromHere.length < whole.length ? fromHere : whole
}

/** Listens for commands. The folder is this process's own (the store's lock says so), so an old socket is a dead one. */
export function listenForAdmin(folder: string, admin: Admin, log: Log): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const answer = (status: number, body: unknown): void => {
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    readText(incoming)
      .then(text => {
        const asked = readCommand(text)
        if (asked === undefined) return answer(400, errorBody({ reason: 'request_malformed' }))
        return runAdminCommand(admin, asked.command, asked.argument).then(result => {
          log.info({ command: asked.command }, 'operator')
          answer(
            isRefusal(result) ? reasons[result.reason].status : 200,
            isRefusal(result) ? errorBody(result) : result,
          )
        })
      })
      .catch(() => answer(503, errorBody({ reason: 'unavailable' })))
  })
  const socket = socketOf(folder)
  rmSync(socket, { force: true })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, () => {
      chmodSync(socket, 0o600)
      resolve(server)
    })
  })
}

/** Command and argument as two members: nothing in an argument, a slash in an address say, can make another of it. */
function readCommand(text: string): { command: AdminCommand; argument: string } | undefined {
  const asked = parseStrictObject(text)
  const { command, argument } = asked ?? {}
  if (typeof command !== 'string' || typeof argument !== 'string' || !Object.hasOwn(commands, command)) return undefined
  return { command: command as AdminCommand, argument }
}

async function readText(incoming: IncomingMessage): Promise<string> {
  let text = ''
  incoming.setEncoding('utf8')
  for await (const chunk of incoming) text += chunk
  return text
}

/** Asks the server that runs on this folder; `undefined` if none does. */
export function askRunningServer(
  folder: string,
  command: AdminCommand,
  argument: string,
): Promise<{ status: number; body: unknown } | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: socketOf(folder), method: 'POST' }, incoming => {
      readText(incoming).then(text => resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) }), reject)
    })
    outgoing.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(error)
    })
    outgoing.end(JSON.stringify({ command, argument }))
  })
}
