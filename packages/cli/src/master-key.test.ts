import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readMasterKey } from './master-key.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-master-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A key service's tool that runs this script. */
const tool = (script: string): string[] => [process.execPath, '-e', script]
const prints = (text: string): string[] => tool(`console.log(${JSON.stringify(text)})`)

test('the key of a folder is made once, for its owner alone, and is the same afterwards', () => {
  const made = readMasterKey(folder, {})
  expect(made.key).toHaveLength(32)
  expect(statSync(join(folder, 'master.key')).mode & 0o777).toBe(0o600)
  expect(readMasterKey(folder, { environment: '' }).key).toEqual(made.key)
})

test('a folder that holds a store and no key gets no new one: the sentence says where the old one is wanted', () => {
  writeFileSync(join(folder, 'countersign.sqlite'), '')
  const made = readMasterKey(folder, {})
  expect(made).toMatchObject({ source: join(folder, 'master.key'), madeFile: join(folder, 'master.key') })
  writeFileSync(join(folder, 'countersign.sqlite'), 'what was sealed')
  expect(readMasterKey(folder, {})).toEqual({ key: made.key, source: made.source })
  rmSync(join(folder, 'master.key'))
  expect(() => readMasterKey(folder, {})).toThrow(`master.key is missing in ${folder}: put your copy back, or set`)
  expect(readdirSync(folder)).toEqual(['countersign.sqlite'])
  expect(readMasterKey(folder, { environment: made.key.toString('base64url') }).source).toBe('COUNTERSIGN_MASTER_KEY')
})

describe('F5: a command prints the key, so that it lies with a key service and on no disk', () => {
  test.each(['base64', 'base64url'] as const)('in %s', encoding => {
    const key = Buffer.alloc(32, 0xfb)
    expect(readMasterKey(folder, { command: prints(key.toString(encoding)) }).key).toEqual(key)
    expect(existsSync(join(folder, 'master.key'))).toBe(false)
  })

  test('words are words: no shell reads them', () => {
    const key = Buffer.alloc(32, 7).toString('base64url')
    const command = [...tool('console.log(process.argv[1])'), key, '; touch x', '$(id)']
    expect(readMasterKey(folder, { command }).key.toString('base64url')).toBe(key)
  })

  test('the environment comes first, and the command is then not run', () => {
    const environment = randomBytes(32).toString('base64url')
    const command = tool(`require('fs').writeFileSync(${JSON.stringify(join(folder, 'ran'))}, '')`)
    expect(readMasterKey(folder, { environment, command }).key.toString('base64url')).toBe(environment)
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })

  const almost = randomBytes(31).toString('base64url')
  test.each([
    ['that is not there', ['/nowhere/kms'], 'master_key_command cannot be run: /nowhere/kms (ENOENT).'],
    ['that fails', tool('process.exit(3)'), 'master_key_command ended with 3.'],
    ['that is killed', tool('process.kill(process.pid, "SIGKILL")'), 'master_key_command ended with SIGKILL.'],
    [
      'that prints nothing',
      tool(''),
      'What master_key_command prints must hold 32 bytes in base64url (43 characters).',
    ],
    ['that prints a short key', prints(almost), 'What master_key_command prints must hold 32 bytes'],
    ['that prints on and on', tool('console.log("x".repeat(10_000))'), 'master_key_command prints more than a key.'],
  ])('one %s is a sentence, and no key is made in its place', (_what, command, message) => {
    let said = ''
    try {
      readMasterKey(folder, { command })
    } catch (error) {
      said = (error as Error).message
    }
    expect(said).toContain(message)
    expect(said).not.toContain(almost)
    expect(readdirSync(folder)).toEqual([])
  })
})
