/*
 * Runs one of the APIs of this folder beside a server that was started with `countersign.json`, and says with what to call it:
 * `npm run snippet -- express-api.ts`. What the environment says counts more.
 */
import configuration from '../countersign.json' with { type: 'json' }

const { env } = process
env.ISSUER ??= `http://127.0.0.1:${configuration.port}`
env.API_SECRET ??= configuration.clients.find(({ id }) => id === 'notes-api')?.secrets?.[0] ?? ''
env.PORT ??= '4410'
env.API_URL ??= `http://127.0.0.1:${env.PORT}`
env.APP_ORIGIN ??= 'http://127.0.0.1:5173'

const [file = 'express-api.ts'] = process.argv.slice(2)
if (!/^[\w-]+-api\.ts$/.test(file)) throw new TypeError(`${file} is none of the APIs here, such as express-api.ts.`)
const answers = await fetch(`${env.ISSUER}/ready`).then(
  () => true,
  () => false,
)
if (!answers) {
  console.error(
    `No server answers at ${env.ISSUER}. Start it first: npm run countersign -- serve --config notes/countersign.json`,
  )
  process.exit(1)
}
await import(new URL(file, import.meta.url).href)

async function post(path: string, body: object): Promise<{ access_token?: string }> {
  const headers = { 'Content-Type': 'application/json' }
  const answer = await fetch(env.ISSUER + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await answer.json()) as { access_token?: string }
}

// Who is there already is only signed in.
const login = { email: 'reader@example.com', password: 'a password for the documentation' }
await post('/v1/users', login)
const { access_token: token } = await post('/v1/sessions', { ...login, client_id: 'notes-app' })
console.log(`curl ${env.API_URL}/notes -H "authorization: Bearer ${token}"`)
