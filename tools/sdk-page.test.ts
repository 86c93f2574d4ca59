import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')
const page = read('docs/sdk.md')

/** The members of an interface, its own ones. */
function membersOf(path: string, name: string): string[] {
  const body = new RegExp(`interface ${name} [^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(read(path))?.[1] ?? ''
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member = '']) => member)
}

/** The names in the first column of the table after a line. */
function namesAfter(line: string): string[] {
  const rows =
    page
      .split(`${line}\n`)[1]
      ?.split(/\n(?!\n|\|)/)[0]
      ?.split('\n') ?? []
  return rows
    .flatMap(row => (/^\| `/.test(row) ? [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)] : []))
    .map(([, name = '']) => name)
}

describe('docs/sdk.md names every option, and none besides', () => {
  test.each([
    ['### Options of the verifier', [['packages/verify/src/configuration.ts', 'VerifierOptions']]],
    ['Of `revocations`:', [['packages/verify/src/configuration.ts', 'RevocationOptions']]],
    [
      '### Options of the app',
      [
        ['packages/app/src/create-countersign.ts', 'CountersignOptions'],
        ['packages/app/src/platform.ts', 'Platform'],
      ],
    ],
    [
      '### Options of machine tokens',
      [
        ['packages/backend/src/machine-tokens.ts', 'MachineTokensOptions'],
        ['packages/backend/src/token-request.ts', 'TokenTarget'],
      ],
    ],
  ] as const)('%s', (line, interfaces) => {
    const members = interfaces.flatMap(([path, name]) => membersOf(path, name))
    expect(members.length).toBeGreaterThan(3)
    expect(namesAfter(line).sort()).toEqual(members.sort())
  })

  test('what an endpoint asks', () => {
    const rows = page.split('`verifier.verify(token, policy)`:\n')[1]?.split('\n`protect`')[0] ?? ''
    const names = [...rows.matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name)
    expect(names.sort()).toEqual(membersOf('packages/verify/src/policy.ts', 'Policy').sort())
    expect(names).toHaveLength(7)
  })
})

test('every package carries the license, and says in a page of its own what it is', () => {
  const license = read('LICENSE')
  const packages = ['app', 'backend', 'cli', 'connections', 'core', 'protocol', 'ring-etcd']
  for (const name of [...packages, 'ring-zookeeper', 'server', 'store', 'store-postgres', 'store-sqlite', 'verify']) {
    expect([name, read(`packages/${name}/LICENSE`) === license]).toEqual([name, true])
    expect(read(`packages/${name}/README.md`)).toMatch(new RegExp(`^# @countersign/${name}\n`))
  }
})
