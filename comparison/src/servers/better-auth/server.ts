import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { optionsOf, redirectUri } from './configuration.ts'

const [file = '', reuseSeconds = '0', binding = ''] = process.argv.slice(2)
const server = createServer()
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const database = new DatabaseSync(file)
// Neither speed nor power cuts are compared.
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
const options = optionsOf(database, baseUrl, Number(reuseSeconds))
const { runMigrations } = await getMigrations(options)
await runMigrations()
const auth = betterAuth(options)
const clientId = await registerClient()
server.on('request', toNodeHandler(auth))
process.stdout.write(`${JSON.stringify({ baseUrl, clientId })}\n`)

/** Somebody signs up as the owner of the application, and registers it. */
async function registerClient(): Promise<string> {
  const signedUp = await auth.api.signUpEmail({
    body: { email: 'owner@example.org', password: 'the right horse', name: 'Owner' },
    asResponse: true,
  })
  const cookie = signedUp.headers.getSetCookie().map(line => line.split(';')[0])
  const api = auth.api as unknown as {
    adminCreateOAuthClient(call: { headers: Headers; body: object }): Promise<{ client_id: string }>
  }
  const { client_id: id } = await api.adminCreateOAuthClient({
    headers: new Headers({ cookie: cookie.join('; ') }),
    body: {
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      skip_consent: true,
      dpop_bound_access_tokens: binding === 'bound',
    },
  })
  return id
}
