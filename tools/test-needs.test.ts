import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findChromium } from './chromium-path.ts'
import { findFaketime } from './faketime-path.ts'
import { installTestNeeds, type TestNeed } from './test-needs.ts'

let folder: string
let said: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-needs-'))
  said = []
})
afterEach(() => rm(folder, { recursive: true }))

/** A machine whose only package manager is the given script. */
async function machineWithAptGet(script: string, isRoot = true): Promise<Parameters<typeof installTestNeeds>[1]> {
  const path = join(folder, 'apt-get')
  await writeFile(path, `#!/bin/sh\necho "$DEBIAN_FRONTEND $@" >> ${folder}/calls\n${script}\n`)
  await chmod(path, 0o755)
  return { environment: { PATH: `${folder}:${process.env.PATH}` }, isRoot, say: line => said.push(line) }
}

const need = (): TestNeed => ({
  name: 'Browser',
  isPresent: () => findChromium({ COUNTERSIGN_CHROMIUM: join(folder, 'browser') }) !== undefined,
  debianPackage: 'browser-package',
  advice: 'install a browser',
})

const calls = async (): Promise<string[]> => (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n')

test('what is there already is neither installed nor mentioned', async () => {
  await writeFile(join(folder, 'browser'), '', { mode: 0o755 })
  const machine = await machineWithAptGet('exit 1')
  expect(await installTestNeeds([need()], machine)).toBe(true)
  expect(said).toEqual([])
})

test('what is missing is installed by apt-get, after reading the package lists, without questions', async () => {
  const machine = await machineWithAptGet(`printf '' > ${folder}/browser; chmod 755 ${folder}/browser`)
  expect(await installTestNeeds([need()], machine)).toBe(true)
  const [update, install] = await calls()
  expect(update).toMatch(/^noninteractive .* update$/)
  expect(install).toMatch(/^noninteractive .* install --yes --no-install-recommends browser-package$/)
})

test('who is not root is told what to install, and nothing is run', async () => {
  const machine = await machineWithAptGet('exit 0', false)
  expect(await installTestNeeds([need()], machine)).toBe(false)
  expect(said.join('\n')).toContain('install a browser')
  await expect(calls()).rejects.toThrow('ENOENT')
})

test('where there is no apt-get, the advice says what to do by hand', async () => {
  const machine = { environment: { PATH: folder }, isRoot: true, say: (line: string) => said.push(line) }
  expect(await installTestNeeds([need()], machine)).toBe(false)
  expect(said.join('\n')).toContain('install a browser')
})

test('when apt-get fails, its output and the advice are shown', async () => {
  const machine = await machineWithAptGet('echo "E: no such thing" >&2; exit 100')
  expect(await installTestNeeds([need()], machine)).toBe(false)
  expect(said.join('\n')).toMatch(/E: no such thing[\s\S]*install a browser/)
})

test('COUNTERSIGN_CHROMIUM wins over the usual places, and a wrong one is not papered over', async () => {
  await writeFile(join(folder, 'browser'), '', { mode: 0o755 })
  expect(findChromium({ COUNTERSIGN_CHROMIUM: join(folder, 'browser') })).toBe(join(folder, 'browser'))
  expect(findChromium({ COUNTERSIGN_CHROMIUM: join(folder, 'absent') })).toBeUndefined()
})

test('a path of libfaketime that is named and wrong is not papered over by another one', async () => {
  const library = join(folder, 'libfaketime.so.1')
  expect(findFaketime({ COUNTERSIGN_FAKETIME: library })).toBeUndefined()
  await writeFile(library, '')
  expect(findFaketime({ COUNTERSIGN_FAKETIME: library })).toBe(library)
})
