import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connectionKeys, createConnection } from '@countersign/connections'
import { type Client, declareClient } from '@countersign/core'
import { clientKeys } from '@countersign/server'
import { describe, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import {
  apiKeys,
  configurationKeys,
  flagKeys,
  separateKeys,
  themeKeys,
  type WrittenConfiguration,
} from './configuration-schema.ts'

const house = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/configuration.md', house), 'utf8')

/** The cells of the table under a heading, by the key in the first. */
function tableUnder(heading: string): Map<string, string[]> {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter(line => line.startsWith('| `'))
  return new Map(
    rows.map(row => {
      const [key = '', ...cells] = row
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim().replaceAll('`', ''))
      return [key, cells]
    }),
  )
}

test('the page names every key of the server, and none besides', () => {
  expect([...tableUnder('The server').keys()].sort()).toEqual([...configurationKeys].sort())
})

test('the page names every key of a client, and none besides', () => {
  expect([...tableUnder('A client').keys()].sort()).toEqual([...clientKeys].sort())
})

test('the page names every key of an API, and none besides', () => {
  expect([...tableUnder('An API').keys()].sort()).toEqual([...apiKeys].sort())
})

test('the page names every key of the theme, and none besides', () => {
  const named = [...tableUnder('The theme').keys()].flatMap(keys => keys.split(', '))
  expect(named.sort()).toEqual([...themeKeys].sort())
})

test('the page names every key of a connection, and none besides', () => {
  expect([...tableUnder('A connection').keys()].sort()).toEqual([...connectionKeys].sort())
})

describe('of the server, the page says as the schema does', () => {
  const defaults: Partial<WrittenConfiguration> = separateKeys.parse({})
  test.each([...tableUnder('The server')])('%s', (key, [, byDefault, environment, flag]) => {
    expect(byDefault).toBe(JSON.stringify(defaults[key as keyof WrittenConfiguration]) ?? 'none')
    expect(environment).toBe(`COUNTERSIGN_${key.toUpperCase()}`)
    expect(flag).toBe(flagKeys.some(one => one === key) ? `--${key}` : '')
  })
})

describe('of a client, the page says the default that a client without the key gets', () => {
  const { lifetimes, refresh, ...client }: Client = declareClient({ id: 'x' })
  const defaults: Readonly<Record<string, unknown>> = {
    ...client,
    ...lifetimes,
    ...refresh,
    ...client.description,
    secrets: client.secretHashes,
  }
  const said: Readonly<Record<string, string>> = {
    id: 'required',
    name: 'the id',
    default_scopes: 'all its scopes',
    consent: 'asked, of first_party implied',
  }
  test.each([...tableUnder('A client')])('%s', (key, [, byDefault]) => {
    const inCode = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    expect(byDefault).toBe(said[key] ?? JSON.stringify(defaults[inCode] ?? undefined) ?? 'none')
  })
})

test('the example of connections is one that starts', () => {
  const file = fileURLToPath(new URL('examples/snippets/connections.json', house))
  const { connections } = readConfiguration({ file, environment: {}, flags: {} })
  expect(connections.map(one => createConnection(one).title)).toEqual(['Google', 'GitHub', 'Example Corp', 'The Forum'])
})

test('the example is one that starts, on a machine of one’s own as it stands', () => {
  const file = fileURLToPath(new URL('examples/snippets/countersign.json', house))
  const { clients, issuer } = readConfiguration({ file, environment: {}, flags: {} })
  expect(issuer).toBeUndefined()
  expect(clients.map(({ id }) => id)).toEqual(['notes-app', 'notes-api', 'notes-web', 'reports'])
})
