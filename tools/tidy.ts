import { fileURLToPath } from 'node:url'
import { rules } from './tidy/rules.ts'
import { trackedTree } from './tidy/tree.ts'

const tree = trackedTree(fileURLToPath(new URL('..', import.meta.url)))
for (const rule of rules) {
  const findings = rule.check(tree)
  if (findings.length === 0) continue
  process.exitCode = 1
  process.stdout.write(`${rule.name}: ${rule.why}\n`)
  for (const { path, line, message } of findings) {
    process.stdout.write(`  ${path}${line === undefined ? '' : `:${line}`}  ${message}\n`)
  }
}
