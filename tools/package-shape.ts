/**
 * Would these packages work for whoever installs them? publint's rules, on what `tsc -b` has built; and the command starts with what it needs alone.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

// The published command is a bundle of what is here.
await import('./bundle-command.ts')

const packages = fileURLToPath(new URL('../packages/', import.meta.url))

const bundle = `${packages}cli/bundle/`
const complain = (text: string): void => {
  process.stdout.write(`packages/cli  ${text} (tools/bundle-command.ts)\n`)
  process.exitCode = 1
}
for (const name of readdirSync(bundle).filter(file => file.endsWith('.js'))) {
  const other = readFileSync(bundle + name, 'utf8').match(/[^\0-\x7f]/)
  if (other)
    complain(`bundle/${name} holds ${other[0]}: with one such letter, each of a file takes two bytes of memory`)
}

/** What a start loads: every command loads what all of them share. */
const tellLoaded =
  'data:text/javascript,process.on("exit",()=>process.stdout.write(JSON.stringify(process.moduleLoadList)))'
const { stdout: help } = spawnSync(process.execPath, ['--import', tellLoaded, `${bundle}countersign.js`, '--help'], {
  encoding: 'utf8',
})
const loaded = new Set<string>(JSON.parse(help.slice(help.lastIndexOf('['))))
for (const what of [
  'http2',
  'https',
  'tls',
  'internal/deps/undici/undici',
  'internal/crypto/webcrypto',
  'internal/util/diff',
]) {
  if (loaded.has(`NativeModule ${what}`)) complain(`every start loads Node's ${what}`)
}

for (const name of readdirSync(packages)) {
  const folder = `${packages}${name}`
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  // `pack: false`: asking npm for the list of files takes a second for each package.
  const { messages } = await publint({ pkgDir: folder, level: 'warning', strict: true, pack: false })
  for (const message of messages) {
    process.stdout.write(`packages/${name}  ${formatMessage(message, manifest)}\n`)
    process.exitCode = 1
  }
}
