/**
 * Would these packages work for whoever installs them? publint's rules, on what `tsc -b` has built; and the command starts with what it needs alone.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

// The published command is a bundle of what is here.
await import('./bundle-command.ts')

const packages = fileURLToPath(new URL('../packages/', import.meta.url))

const bundle = `${packages}cli/bundle/`
for (const name of readdirSync(bundle).filter(file => file.endsWith('.js'))) {
  if (!/from ?["']node:http["']/.test(readFileSync(bundle + name, 'utf8'))) continue
  process.stdout.write(
    `packages/cli  bundle/${name} imports node:http, and so all of fetch at every start (tools/bundle-command.ts)\n`,
  )
  process.exitCode = 1
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
