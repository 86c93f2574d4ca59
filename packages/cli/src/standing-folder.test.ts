import { expect, test } from 'vitest'
import { standingFolder } from './standing-folder.ts'

const fromClone = {
  INIT_CWD: '/home/project',
  npm_package_name: 'countersign',
  npm_package_json: '/clone/package.json',
}

test.each([
  ['npm --prefix clone run countersign: where it was typed', fromClone, '/clone', '/home/project'],
  ['without npm: the current folder', {}, '/home/project', '/home/project'],
  ['a process deeper below an npm script: its own folder', fromClone, '/tmp/elsewhere', '/tmp/elsewhere'],
  [
    'a script of the operator’s own package: the folder of the package, as the script was written for',
    {
      ...fromClone,
      npm_package_name: 'notes',
      npm_package_json: '/home/project/package.json',
      INIT_CWD: '/home/project/src',
    },
    '/home/project',
    '/home/project',
  ],
])('%s', (_what, environment, current, folder) => {
  expect(standingFolder(environment, current)).toBe(folder)
})
