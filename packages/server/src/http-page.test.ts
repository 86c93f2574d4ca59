import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { routes } from './routes.ts'
import { closeGiven, given } from './testing/given.ts'

const page = readFileSync(new URL('../../../docs/http.md', import.meta.url), 'utf8')

afterAll(closeGiven)

test('docs/http.md names every method of every path, and none besides', async () => {
  const { server } = await given.server()
  const answered = routes(server.services)
    .filter(({ path }) => !path.startsWith('/assets/'))
    .flatMap(({ path, ...methods }) =>
      (['get', 'post', 'put', 'delete'] as const)
        .filter(method => methods[method] !== undefined)
        .map(method => `${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}`),
    )
  const named = [...page.matchAll(/`((?:GET|POST|PUT|DELETE) \/[^`\s]*)`/g)].map(([, name]) => name)
  expect([...new Set(named)].sort()).toEqual([...answered].sort())
})
