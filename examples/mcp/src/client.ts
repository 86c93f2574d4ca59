import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { listenForAnswer } from './listen-for-answer.ts'
import { createLogin } from './login.ts'

/*
 * Keeps a note and shows all: `client.ts http://127.0.0.1:4500/mcp 'a note'`. It knows the address and nothing else: no client id, no authorization server.
 */

const [address = '', note = 'a note'] = process.argv.slice(2)
const answers = await listenForAnswer()
const login = createLogin(answers.redirectUrl, page => console.log(`Open in a browser: ${page}`))
const connect = async (): Promise<Client> => {
  const client = new Client({ name: 'notes-client', version: '0.1.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(address), { authProvider: login }))
  return client
}

/** Connects; if that needs a user, sends them to the authorization page first. */
async function connectAsUser(): Promise<Client> {
  try {
    return await connect()
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    const transport = new StreamableHTTPClientTransport(new URL(address), { authProvider: login })
    await transport.finishAuth(login.codeOf(await answers.next))
    return connect()
  }
}

const client = await connectAsUser()
await client.callTool({ name: 'add_note', arguments: { text: note } })
const { content } = await client.callTool({ name: 'list_notes' })
for (const { text } of content as { text: string }[]) console.log(`Note: ${text}`)
await client.close()
answers.close()
