import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import * as z from 'zod'

const notes = new Map<string, string[]>()

/** The tools, for one user: whoever the token stands for. */
export function notesOf(user: string): McpServer {
  const server = new McpServer({ name: 'notes', version: '0.1.0' })
  const own = (): string[] => notes.get(user) ?? []
  server.registerTool(
    'add_note',
    { description: 'Keeps a note for the user', inputSchema: { text: z.string().max(1000) } },
    ({ text }) => {
      notes.set(user, [...own(), text])
      return { content: [{ type: 'text', text: `${own().length} kept` }] }
    },
  )
  server.registerTool('list_notes', { description: 'The notes of the user' }, () => ({
    content: own().map(text => ({ type: 'text', text })),
  }))
  return server
}
