import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { rules } from './tidy/rules.ts'
import { sizeRuleWith } from './tidy/size-rules.ts'
import { type Tree, trackedTree } from './tidy/tree.ts'

const manifest = (name: string, more: object = {}): string =>
  JSON.stringify({ name, license: 'Apache-2.0', description: 'x', engines: { node: '>=24' }, ...more })
const lines = (count: number): string => 'export const x = 1\n'.repeat(count)
const longFunction = `export function long(): void {\n${'  go()\n'.repeat(70)}}\n`

/** A function with functions of ten lines in it. */
const closureOf = (count: number): string =>
  `export function make(): void {\n${`  function step() {\n${'    go()\n'.repeat(8)}  }\n`.repeat(count)}}\n`
const bench = { 'bench/package.json': '{}', 'bench/src/main.ts': '' }

interface Sample {
  readonly rule: string
  readonly what: string
  readonly bad: Record<string, string>
  /** The nearest thing that is allowed. */
  readonly good: Record<string, string>
}

/** For every rule something that it must find, beside the nearest thing that it must let pass. */
const samples: readonly Sample[] = [
  {
    rule: 'syntax',
    what: 'a file that cannot be parsed',
    bad: { 'packages/core/src/a.ts': 'export const = 1' },
    good: { 'packages/core/src/a.ts': 'export const a = 1' },
  },
  {
    rule: 'import directions',
    what: 'an import against the direction',
    bad: { 'packages/protocol/src/a.ts': `import { b } from '@countersign/core'` },
    good: { 'packages/core/src/a.ts': `import { b } from '@countersign/protocol'` },
  },
  {
    rule: 'import directions',
    what: 'a type that comes in against the direction',
    bad: { 'packages/core/src/a.ts': `export type A = import('@countersign/server').Server` },
    good: { 'packages/cli/src/a.ts': `export type A = import('@countersign/server').Server` },
  },
  {
    rule: 'import directions',
    what: 'a re-export and a lazy import against the direction',
    bad: { 'packages/app/src/a.ts': `export { b } from '@countersign/verify/x'\nawait import('@countersign/core')` },
    good: { 'packages/app/src/a.ts': `export { b } from '@countersign/protocol'\nawait import('elsewhere')` },
  },
  {
    rule: 'import directions',
    what: 'a path that leaves the package',
    bad: { 'packages/core/src/a.ts': `import { b } from '../../protocol/src/b.ts'` },
    good: { 'packages/core/src/keys/a.ts': `import { b } from '../b.ts'`, 'packages/core/src/b.ts': '' },
  },
  {
    rule: 'import directions',
    what: 'a package without a row',
    bad: { 'packages/novel/src/a.ts': `import { b } from 'elsewhere'` },
    good: { 'examples/novel/src/a.ts': `import { b } from '@countersign/server'` },
  },
  {
    rule: 'node modules',
    what: 'I/O in the package of decisions',
    bad: { 'packages/core/src/a.ts': `import { readFile } from 'node:fs/promises'` },
    good: { 'packages/core/src/a.ts': `import { createHmac } from 'node:crypto'` },
  },
  {
    rule: 'node modules',
    what: 'Node in browser code',
    bad: { 'packages/app/src/a.ts': `import { createHmac } from 'crypto'` },
    good: { 'packages/app/src/a.test.ts': `import { createServer } from 'node:http'` },
  },
  {
    rule: 'import cycles',
    what: 'files that import each other',
    bad: {
      'packages/core/src/a.ts': `import { b } from './b.ts'`,
      'packages/core/src/b.ts': `import type { C } from './c.ts'`,
      'packages/core/src/c.ts': `export { a } from './a.ts'; export const c = 1`,
    },
    good: {
      'packages/core/src/a.ts': `import { b } from './b.ts'\nimport { c } from './c.ts'`,
      'packages/core/src/b.ts': `import { c } from './c.ts'`,
      'packages/core/src/c.ts': '',
    },
  },
  {
    rule: 'barrel files',
    what: 'a file that only passes on',
    bad: { 'packages/core/src/keys/index.ts': `export { a } from './a.ts'` },
    good: {
      'packages/core/package.json': manifest('@countersign/core', {
        exports: { './keys': { '@countersign/source': './src/keys/index.ts', default: './dist/keys/index.js' } },
      }),
      'packages/core/src/keys/index.ts': `export { a } from './a.ts'`,
    },
  },
  {
    rule: 'barrel files',
    what: '`export *` beside other things',
    bad: { 'packages/core/src/a.ts': `export * from './b.ts'\nexport const a = 1` },
    good: { 'packages/core/src/a.ts': `export { b } from './b.ts'\nexport const a = 1` },
  },
  ...[
    'Date.now()',
    'new Date()',
    'Math.random()',
    'globalThis.performance.now()',
    'setTimeout(go, 1)',
    'f({ now: Date.now })',
  ].map(
    (use): Sample => ({
      rule: 'clock and randomness',
      what: `${use} in a decision`,
      bad: { 'packages/core/src/a.ts': use },
      good: {
        'packages/core/src/a.ts': 'new Date(now); clock.setTimeout(go, 1)',
        'packages/core/src/testing/a.ts': use,
      },
    }),
  ),
  {
    rule: 'clock and randomness',
    what: 'defaults in two files of a package',
    bad: {
      'packages/verify/src/a.ts': 'Date.now()',
      'packages/verify/src/b.ts': `import { setTimeout as s } from 'node:timers/promises'`,
    },
    good: { 'packages/verify/src/a.ts': 'Date.now(); setTimeout(go, 1)', 'packages/verify/src/b.ts': '' },
  },
  {
    rule: 'clock and randomness',
    what: 'randomness that is imported, under whatever name',
    bad: { 'packages/core/src/a.ts': `import { randomBytes as dice } from 'node:crypto'` },
    good: { 'packages/core/src/a.ts': 'export function go(randomBytes: Dice): void { randomBytes(12) }' },
  },
  {
    rule: 'file names',
    what: 'a name that says nothing',
    bad: { 'packages/core/src/utils/time.ts': '', 'packages/core/src/types.ts': '' },
    good: { 'packages/core/src/clients/type-of-client.ts': '' },
  },
  {
    rule: 'file names',
    what: 'capitals and underlines',
    bad: { 'packages/core/src/refreshToken.ts': '', 'packages/core/src/key_ring.ts': '' },
    good: { 'packages/core/src/refresh-token.test.ts': '', 'packages/core/README.md': '', 'vitest.config.ts': '' },
  },
  {
    rule: 'identifiers',
    what: 'words that do not say what they hold',
    bad: { 'packages/core/src/a.ts': 'export function go(opts: Go, { clock: ctx }: Go): void {}' },
    good: {
      'packages/core/src/a.ts':
        'export const entry = { at: 1 }; export const last = [1].at(-1); for (const { data } of x) go(data)',
    },
  },
  {
    rule: 'identifiers',
    what: 'shouted acronyms',
    bad: { 'packages/core/src/a.ts': 'export interface JWKSDocument {}; export const userID = 1' },
    good: {
      'packages/core/src/a.ts': `import { importJWK } from 'jose'; export const MAX_URL = 1; export const userId = 1`,
    },
  },
  {
    rule: 'size',
    what: 'a file that is too long',
    bad: { 'packages/core/src/a.ts': lines(401) },
    good: { 'packages/core/src/a.ts': lines(400), 'packages/core/src/a.test.ts': lines(600) },
  },
  {
    rule: 'size',
    what: 'a function that is too long',
    bad: { 'packages/core/src/a.ts': longFunction },
    good: { 'packages/core/src/a.test.ts': `describe('x', () => {\n${`test('y', () => {\n})\n`.repeat(40)}})` },
  },
  {
    rule: 'size',
    what: 'a closure that is too long, though each of its functions is short',
    bad: { 'packages/core/src/a.ts': closureOf(30) },
    good: { 'packages/core/src/a.ts': closureOf(18) },
  },
  {
    rule: 'reminders',
    what: 'something left to do',
    bad: { 'packages/core/src/a.ts': `// ${'TO'}DO: later` },
    good: { 'CONTRIBUTING.md': `No ${'TO'}DO on main.`, 'packages/core/src/a.ts': '// todos are a kind of list' },
  },
  {
    rule: 'switched tests',
    what: 'a test that is switched off or on alone',
    bad: { 'packages/core/src/a.test.ts': `test.only('x', go); describe.concurrent.skip('y', go)` },
    good: { 'packages/core/src/a.test.ts': `test.each([1])('x', go); rows.skip(1)` },
  },
  {
    rule: 'traces of a machine',
    what: 'paths and hosts of a machine',
    bad: { 'docs/a.md': `${'/wo'}rk/main/x`, 'b.json': `https://${'regi'}stry.example.org/x` },
    good: { 'docs/a.md': 'the registry of clients', 'b.json': '/workspace/x' },
  },
  {
    rule: 'traces of a machine',
    what: 'a lock file that names a host',
    bad: { 'package-lock.json': '"resolved": "https://packages.example/x.tgz"' },
    good: { 'package-lock.json': '"resolved": "packages/core"' },
  },
  {
    rule: 'package manifests',
    what: 'a package that does not introduce itself',
    bad: { 'packages/core/package.json': '{}', 'bench/package.json': manifest('bench') },
    good: {
      'packages/core/package.json': manifest('@countersign/core'),
      'bench/package.json': manifest('b', { private: true }),
    },
  },
  {
    rule: 'package manifests',
    what: 'a version that is a range',
    bad: { 'packages/core/package.json': manifest('@countersign/core', { dependencies: { zod: '^4.0.0' } }) },
    good: { 'packages/core/package.json': manifest('@countersign/core', { dependencies: { zod: '4.0.0' } }) },
  },
  {
    rule: 'projects',
    what: 'a workspace whose types nobody checks',
    bad: { 'tsconfig.json': '{"references":[]}', ...bench },
    good: { 'tsconfig.json': '{"references":[{"path":"bench"}]}', ...bench, 'e2e/package.json': '{}' },
  },
  {
    rule: 'links',
    what: 'a dead link',
    bad: { 'docs/a.md': 'see [b](b.md)' },
    good: {
      'docs/a.md': 'see [b](b.md), [c](../packages) and [d](https://example.org)',
      'docs/b.md': '',
      'packages/x.ts': '',
    },
  },
  {
    rule: 'links',
    what: 'a heading that is not there',
    bad: { 'docs/a.md': '# A\n[a](#b)', 'docs/b.md': '```\n# B\n```\n[a](a.md#a) [b](#b)' },
    good: { 'docs/a.md': '# A “day” & `b`\n[b](b.md#x) [a](#a-day--b)', 'docs/b.md': '## X' },
  },
]

const ruleNamed = (name: string) => {
  const rule = rules.find(candidate => candidate.name === name)
  if (rule === undefined) throw new Error(`no rule is called ${name}`)
  return rule
}
const treeOf = (files: Record<string, string>): Tree => new Map(Object.entries(files))

describe('each rule finds what it is there for, in every file that has it, and lets the nearest allowed thing pass', () => {
  test.each(samples)('$rule: $what', ({ rule, bad, good }) => {
    const found = ruleNamed(rule).check(treeOf(bad))
    // A cycle and a gap are reported once, in the first file of the sample.
    const isReportedOnce = rule === 'import cycles' || rule === 'projects'
    const everyPath = Object.keys(bad).slice(0, isReportedOnce ? 1 : undefined)
    expect([...new Set(found.map(({ path }) => path))].sort()).toEqual(everyPath.sort())
    expect(ruleNamed(rule).check(treeOf(good))).toEqual([])
  })

  test('and no rule is without a sample', () => {
    const sampled = new Set(samples.map(({ rule }) => rule))
    expect(rules.map(({ name }) => name).filter(name => !sampled.has(name))).toEqual([])
  })
})

test('a finding names the line', () => {
  const found = ruleNamed('clock and randomness').check(
    treeOf({ 'packages/core/src/a.ts': '\n\nexport const x = Date.now()\n' }),
  )
  expect(found).toMatchObject([{ path: 'packages/core/src/a.ts', line: 3 }])
})

describe('the list of exceptions to size only shrinks', () => {
  const tree = treeOf({ 'packages/core/src/a.ts': longFunction })
  const withException = (count: number) =>
    sizeRuleWith({ 'packages/core/src/a.ts#long': { lines: count, reason: 'a table' } }).check(tree)

  test('an exception that fits is accepted', () => {
    expect(withException(72)).toEqual([])
  })
  test('one that allows more than is used has to be lowered', () => {
    expect(withException(80)).toMatchObject([{ message: expect.stringContaining('lower it to 72') }])
  })
  test('one that is not needed has to go', () => {
    const found = sizeRuleWith({ 'packages/core/src/b.ts': { lines: 500, reason: 'gone' } }).check(tree)
    expect(found).toContainEqual({
      path: 'tools/tidy/ratchet.ts',
      message: 'packages/core/src/b.ts: not needed any more',
    })
  })
})

describe('the house follows its own rules', () => {
  const house = trackedTree(fileURLToPath(new URL('..', import.meta.url)))
  test.each(rules.map(rule => ({ rule, name: rule.name })))('$name', ({ rule }) => {
    expect(rule.check(house)).toEqual([])
  })
})
