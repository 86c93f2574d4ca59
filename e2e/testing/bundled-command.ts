import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The file that starts `countersign`, as it is published. */
    command: string
  }
}

/**
 * Before these tests: builds the command once, as it is published, far from the sources and from `node_modules`. The tests start it some
 * hundred times, and one file starts in a third of the time that the sources take.
 */
export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bundle-'))
  execFileSync(process.execPath, [join(import.meta.dirname, '../../tools/bundle-command.ts'), folder])
  // For any user: one test starts it as another.
  chmodSync(folder, 0o755)
  // As in the package: else Node looks into each file whether it is a module.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  project.provide('command', join(folder, 'countersign.js'))
  return () => rmSync(folder, { recursive: true, force: true })
}
