import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('where the shell knows no exec, the program runs beneath: told when it has to end, and its code is that of all', async () => {
  const program = "process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1e6); console.log('ready')"
  const child = spawn(process.execPath, [join(import.meta.dirname, 'exec.cjs'), process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([3, null])
})
