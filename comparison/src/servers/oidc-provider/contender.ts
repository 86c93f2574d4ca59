import { join } from 'node:path'
import { send } from '../../workload/post.ts'
import { createProofKey } from '../../workload/proof-key.ts'
import type { Contender, Login } from '../contender.ts'
import { startProcess } from '../server-process.ts'

export function oidcProvider(binding: 'bound' | 'unbound'): Contender {
  const bound = binding === 'bound'
  return {
    name: `oidc-provider, ${binding}`,
    bound,
    async start() {
      const server = await startProcess(join(import.meta.dirname, 'server.ts'), [])
      const issuer = server.firstLine
      return {
        tokenEndpoint: `${issuer}/token`,
        async logIn(count) {
          const made: Login[] = []
          for (let index = 0; index < count; index++) {
            const key = bound ? createProofKey() : undefined
            const { text } = await send(
              `${issuer}/log-in?${new URLSearchParams({ thumbprint: key?.thumbprint ?? '' })}`,
              {},
            )
            made.push({ id: `login ${index}`, ip: '127.0.0.1', clientId: 'app', key, refreshToken: text })
          }
          return made
        },
        advance: server.advance,
        async stop() {
          await server.stop()
          return new Set()
        },
      }
    },
  }
}
