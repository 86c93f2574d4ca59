import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectionKeys } from '@countersign/connections/settings'
import { clientKeys } from '@countersign/server'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { apiKeys, configurationKeys, numberKeys, themeKeys } from './configuration-schema.ts'

/*
 * Every setting, wrong in each way: the message says where it stands, and what would be right, and nothing of what stands there.
 */

const folder = mkdtempSync(join(tmpdir(), 'countersign-wrong-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'countersign.json')

function problemsOf(written: object | string, environment: Record<string, string> = {}): readonly string[] {
  writeFileSync(file, typeof written === 'string' ? written : JSON.stringify(written))
  try {
    readConfiguration({ file, environment, flags: {} })
    return []
  } catch (error) {
    expect((error as Error).name).toBe('WrongConfiguration')
    return (error as Error).message.split('\n').map(line => line.trim())
  }
}

const wrongs = [7.5, -1, 1e300, '', '10s', 'se cret', null, [7], { secret: 1 }]

const says =
  /^(must (be|have|hold|not be empty|begin|all)|has |is needed|are needed|needs |holds |"secret" is not a key|is for |Plain HTTP|is that of|remove )/

/** Everything that is said of a value under a key that cannot be right. */
function said(place: string, write: (value: unknown) => object): readonly string[] {
  return wrongs.flatMap(value => {
    const [, ...lines] = problemsOf(write(value))
    return lines.map(line => {
      expect(line).toContain(`${place}`)
      return line.slice(line.indexOf(': ') + 2)
    })
  })
}

function expectSentences(lines: readonly string[]): void {
  expect(lines.length).toBeGreaterThan(4)
  for (const line of lines) {
    expect(line).toMatch(says)
    expect(line).not.toMatch(/Invalid|expected|received|se cret/)
  }
}

describe('whatever is wrong with a key, its line says where and what would be right', () => {
  test.each(configurationKeys)('%s', key => expectSentences(said(key, value => ({ [key]: value }))))
  test.each(themeKeys)('theme.%s', key => expectSentences(said(`theme.${key}`, value => ({ theme: { [key]: value } }))))
  test.each(clientKeys)('clients.app.%s', key =>
    expectSentences(
      said(key === 'id' ? 'clients.' : 'clients.app.', value => ({ clients: [{ id: 'app', [key]: value }] })),
    ),
  )
  test.each(apiKeys)('apis.0.%s', key =>
    expectSentences(said('apis.0', value => ({ apis: [{ audience: 'urn:x', [key]: value }] }))),
  )
  test.each(connectionKeys)('connections.google.%s', key =>
    expectSentences(
      said(key === 'name' ? 'connections.' : 'connections.google.', value => ({
        connections: [{ name: 'google', client_id: 'x', client_secret: 'y', [key]: value }],
      })),
    ),
  )
})

test('of a value of another kind nothing is said besides', () => {
  expect(problemsOf({ languages: '', clients: [{ id: 'app', name: [], secrets: 'abc' }] }).slice(1)).toEqual([
    'languages: must be a list, [ … ]',
    'clients.app.name: must be text, in double quotes',
    'clients.app.secrets: must be a list, [ … ]',
  ])
})

describe('the same of the environment, under its own names', () => {
  const open = new Set(['data', 'host', 'application_name', 'languages', 'language_files', 'revocation_journal'])
  const wrongFor = (key: string): string => (open.has(key) || key.startsWith('registration_audiences') ? '' : 'a "b" c')
  const refused = configurationKeys.filter(key => wrongFor(key) !== '')
  test.each(refused)('%s', key => {
    const name = `COUNTERSIGN_${key.toUpperCase()}`
    const [, ...lines] = problemsOf({}, { [name]: wrongFor(key) })
    const own = lines.filter(line => line.startsWith(name))
    expect(own).toHaveLength(1)
    expect(own[0]).toMatch(/ must | is not valid JSON \(line 1 column 1: a value should stand here\)|holds a space/)
    expect(own[0]?.includes('a "b" c')).toBe(numberKeys.has(key))
  })

  test.each([
    ['COUNTERSIGN_DRAIN_SECONDS', '10s', ': must be a whole number of seconds from 0 to 600, not "10s"'],
    ['COUNTERSIGN_DRAIN_SECONDS', '0x10', ': must be a whole number of seconds from 0 to 600, not "0x10"'],
    ['COUNTERSIGN_DATABASE_NAMED_STATEMENTS', 'yes', ': must be true or false'],
    ['COUNTERSIGN_TRUSTED_PROXIES', '["127.0.0.1"]', ' is a list with commas between, without brackets and quotes.'],
    [
      'COUNTERSIGN_CLIENTS',
      '[{"id":"a","id":"b"}]',
      ' has "id" twice in one object (the second time at line 1 column 12).',
    ],
    ['COUNTERSIGN_CLIENTS', '[{"id":\'a\'}]', ' is not valid JSON (line 1 column 8: strings stand in double quotes).'],
  ])('%s=%s', (name, value, message) => {
    expect(problemsOf({}, { [name]: value })[1]).toBe(`${name}${message}`)
  })
})

describe('a file that is no JSON: where, why, and nothing of what stands there', () => {
  test.each([
    ['', 'is empty.'],
    [' \n', 'is empty.'],
    ['{"port": 4400', 'is not valid JSON (line 1 column 14: it ends too early).'],
    [
      '{"host": "127.0.0.1',
      'is not valid JSON (line 1 column 10: a string does not end, or needs a \\ before one of its characters).',
    ],
    [
      '{\n  "port": 4400\n  "sign_up": "open"\n}',
      'is not valid JSON (line 3 column 3: a comma or } should stand here).',
    ],
    ['{\n  "port": 4400,\n}', 'is not valid JSON (line 3 column 1: the comma before it is one too many).'],
    ['{"languages": ["en",]}', 'is not valid JSON (line 1 column 21: the comma before it is one too many).'],
    [
      '{\n  // ours\n  "port": 4400}',
      'is not valid JSON (line 2 column 3: a name in double quotes should stand here).',
    ],
    ['{"port": /* ours */ 4400}', 'is not valid JSON (line 1 column 10: JSON has no comments).'],
    ['{"port": 04400}', 'is not valid JSON (line 1 column 10: a value should stand here).'],
    ['{"port": True}', 'is not valid JSON (line 1 column 10: a value should stand here).'],
    ['{"port" 4400}', 'is not valid JSON (line 1 column 9: a colon should stand here).'],
    ['{"port": 4400}}', 'is not valid JSON (line 1 column 15: nothing may follow what ended before).'],
    ['port: 4400\n', 'is not valid JSON (line 1 column 1: a value should stand here).'],
    [
      '{"sign_up": "closed",\n "sign_up": "open"}',
      'has "sign_up" twice in one object (the second time at line 2 column 2).',
    ],
    [
      '{"sign_up": "closed",\n "sign\\u005fup": "open"}',
      'has "sign\\u005fup" twice in one object (the second time at line 2 column 2).',
    ],
  ])('%j', (text, message) => {
    expect(problemsOf(text)).toEqual([`${file} ${message}`])
  })

  test('of another format it is said that it must be JSON; a mark at its beginning does no harm', () => {
    const yaml = join(folder, 'countersign.yaml')
    writeFileSync(yaml, 'port: 4400\n')
    const read = () => readConfiguration({ file: yaml, environment: {}, flags: {} })
    expect(read).toThrow('a value should stand here). It must be JSON, whatever its name says.')
    expect(problemsOf('\ufeff{"port": 4400}')).toEqual([])
  })
})
