import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { complainOfOldNode, neededNode } from './needed-node.ts'

const house = join(import.meta.dirname, '../../..')

test('an older Node is told which one is needed, and which it is', () => {
  for (const old of ['20.20.2', '24.18.9', '22.21.0']) {
    expect(complainOfOldNode(old)).toBe(`Countersign needs Node 24.19 or later, this is ${old}.`)
  }
  for (const fitting of ['24.19.0', '24.20.1', '26.0.0']) expect(complainOfOldNode(fitting)).toBeUndefined()
})

test('manifests and README name that Node, and for what runs elsewhere one other', () => {
  const engines = globSync(['package.json', '{packages,examples}/*/package.json'], { cwd: house }).map(file => {
    const { engines: said } = JSON.parse(readFileSync(join(house, file), 'utf8')) as { engines?: { node: string } }
    return said?.node
  })
  expect(new Set(engines)).toEqual(new Set([`>=${neededNode}`, '>=20.12', undefined]))
  const readme = readFileSync(join(house, 'README.md'), 'utf8')
  expect(readme).toContain(`Node ${neededNode} or later`)
  expect(readme).toContain('Node 20.12 or later')
})

test('what npm scripts require first says it too, in the words of an old language', () => {
  const asIf = (version: string): { status: number | null; stderr: string } => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
    const check = JSON.stringify(join(house, 'tools/need-node.cjs'))
    const { status, stderr } = spawnSync(process.execPath, ['-e', `${pretend}; require(${check})`], {
      encoding: 'utf8',
    })
    return { status, stderr }
  }
  expect(asIf('20.20.2')).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^Countersign needs Node 24\.19 or later, this is 20\.20\.2\.\n/),
  })
  expect(asIf('24.19.0')).toEqual({ status: 0, stderr: '' })
})
