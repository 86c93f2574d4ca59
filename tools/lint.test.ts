import { spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-lint-'))
  await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'))
  await writeFile(
    join(folder, 'store.ts'),
    `export interface Store {
  commit(change: string): Promise<'ok' | 'conflict'>
}
`,
  )
})
afterAll(() => rm(folder, { recursive: true }))

/** The rules that our biome.json finds broken in a file of this name and text. */
async function lint(name: string, text: string): Promise<{ failed: boolean; output: string }> {
  await writeFile(join(folder, name), text)
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'lint', '--colors=off', name], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { failed: status !== 0, output: stdout + stderr }
}

describe('what the linter has to find', () => {
  test.each([
    ['noFloatingPromises', 'a promise that nobody waits for', `store.commit('x')`],
    ['noFloatingPromises', 'a chain whose failure nobody sees', `store.commit('x').then(() => 1)`],
    ['noMisusedPromises', 'a promise that is taken for a condition', `if (store.commit('x')) return`],
    [
      'noMisusedPromises',
      'an async function where nobody waits',
      `[1].forEach(async () => { await store.commit('x') })`,
    ],
  ])('%s: %s', async (rule, _what, statement) => {
    const text = `import type { Store } from './store.ts'\n\nexport function go(store: Store): void {\n  ${statement}\n}\n`
    expect(await lint('sample.ts', text)).toMatchObject({ failed: true, output: expect.stringContaining(rule) })
  })

  test('noDefaultExport: a default export, but in the configuration of a tool', async () => {
    const text = 'export default 1\n'
    expect(await lint('sample.ts', text)).toMatchObject({
      failed: true,
      output: expect.stringContaining('noDefaultExport'),
    })
    expect(await lint('sample.config.ts', text)).toMatchObject({ failed: false })
  })

  test('and a promise that is awaited, returned or marked as left alone passes', async () => {
    const text = `import type { Store } from './store.ts'

export async function go(store: Store): Promise<string> {
  await store.commit('x')
  void store.commit('y')
  return store.commit('z')
}
`
    expect(await lint('sample.ts', text)).toMatchObject({ failed: false })
  })
})
