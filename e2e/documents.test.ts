import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasons } from '@countersign/protocol'
import { afterAll, expect, test } from 'vitest'
import { trackedTree } from '../tools/tidy/tree.ts'
import { readSteps, type Step } from './testing/documents/read-document.ts'
import { startReader } from './testing/documents/reader.ts'
import { givenInstallation, type Installation, type Running, run, startServer } from './testing/server-process.ts'

/*
 * Every call with curl that a document of this house shows is made here, to the letter, each document in one shell and against a server of its own; what is
 * answered is what the document shows.
 */

const root = join(import.meta.dirname, '..')
const shown = 'http://127.0.0.1:4400'
const person = { email: 'maria@example.com', password: 'four words make one' }
const pages = new Map([...trackedTree(root)].filter(([path]) => path.endsWith('.md')))
const documents = [...pages.keys()].filter(path => stepsOf(path).length > 0)

/** In some documents every block is typed, elsewhere those that call the server. */
function stepsOf(path: string): Step[] {
  const isWhole = path === 'docs/http.md' || path.startsWith('docs/grants/')
  return readSteps(pages.get(path) ?? '', block => isWhole || /^curl /m.test(block))
}

/** Where each page of its folder begins. */
const beginning = 'docs/grants/README.md'
/** A server of its own: for who begins otherwise, and for who signs what time it is by a clock that does not go slowly. */
const alone = documents.filter(path => path === 'docs/http.md' || signsTime(path))
/** What is read in one sitting, against one server. Time passes at the end. */
const sittings = [
  [beginning, ...inOrder(documents.filter(path => path !== beginning && !alone.includes(path)))],
  ...alone.map(path => (path.startsWith('docs/grants/') ? [beginning, path] : [path])),
]

function inOrder(paths: readonly string[]): string[] {
  const takesTime = (path: string): boolean => stepsOf(path).some(({ command }) => command.startsWith('sleep '))
  return paths.toSorted((one, other) => Number(takesTime(one)) - Number(takesTime(other)))
}

function signsTime(path: string): boolean {
  return /\$prove (proof|assertion) /.test(pages.get(path) ?? '')
}

const installations: Installation[] = []
afterAll(() => {
  for (const installed of installations) installed.remove()
})

/**
 * Its clock begins with a second and goes slowly, so that it is no question of this machine's pace what a document is told of seconds. Only where a client signs what time it
 * is, it is the client's.
 */
async function givenServer(paths: readonly string[]): Promise<{ installed: Installation; server: Running }> {
  const { port: _port, data: _data, ...configuration } = JSON.parse(clientsFile)
  const installed = await givenInstallation(configuration)
  installations.push(installed)
  const environment = paths.some(signsTime) ? {} : { FAULT_SLOW_SINCE: String(Math.floor(Date.now() / 1000) * 1000) }
  return { installed, server: await startServer(installed, { faults: true, environment }) }
}

const clientsFile = readFileSync(join(root, 'examples/snippets/grants.json'), 'utf8')

test('no document is left out', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/http.md', beginning]))
  expect([...new Set(sittings.flat())].sort()).toEqual([...documents].sort())
})

test.concurrent.each(sittings.map(paths => ({ paths, read: paths.join(', then ') })))(
  '$read: what is shown is so',
  async ({ paths }) => {
    const { installed, server } = await givenServer(paths)
    const environment = { PROOF_KEY: join(installed.folder, 'proof-key.json') }
    const reader = await startReader({ issuer: installed.issuer, shown, person, environment })
    // A proof of the second in which the server began would need a nonce, which the pages do not show.
    const begun = secondNow()
    await expect.poll(secondNow).toBeGreaterThan(begun)
    try {
      for (const path of paths) for (const step of stepsOf(path)) await reader.follow(path, step)
    } finally {
      await reader.leave()
      await server.end('SIGTERM')
    }
  },
)

test.each(documents)('%s tells of refusals what the table of reasons says', path => {
  const words = (cell: string): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word)
  // Reason, then the status or the RFC's word; of several reasons in one row either one for all, or one for each.
  const rows = (pages.get(path) ?? '').matchAll(/^\| ((?:`\w+`(?:, )?)+) \| (\d{3}|(?:`\w+`(?:, )?)+) \|/gm)
  for (const [row, names = '', told = ''] of rows) {
    const said = /^\d/.test(told) ? [Number(told)] : words(told)
    for (const [place, name] of words(names).entries()) {
      expect(Object.keys(reasons), row).toContain(name)
      const { status, error } = reasons[name as keyof typeof reasons]
      expect([status, error], row).toContain(said[place] ?? said[0])
    }
  }
})

test('the operator’s commands that are shown are there', async () => {
  const shownCommands = [...pages.values()].flatMap(text =>
    [...text.matchAll(/^npm run (?:-s )?countersign -- (.*)$/gm)].map(([, line = '']) => wordsOf(line)),
  )
  const commands = [...new Set(shownCommands)]
  expect(commands).toContain('audit export')
  const usages = await Promise.all(commands.map(words => run([...words.split(' '), '--help']).ended))
  expect(usages.map(({ stdout }) => /^Usage: countersign ([a-z -]*[a-z])/.exec(stdout)?.[1])).toEqual(commands)
})

function secondNow(): number {
  return Math.floor(Date.now() / 1000)
}

/** The name of a command, without what it is given. */
function wordsOf(line: string): string {
  return /^[a-z]+(?: [a-z][a-z-]*(?= |$))*/.exec(line)?.[0] ?? ''
}
