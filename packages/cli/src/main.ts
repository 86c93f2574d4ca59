#!/usr/bin/env node
// By the global alone: an older Node could not even load what is imported below.
import { complainOfOldNode } from './needed-node.ts'

const complaint = complainOfOldNode(process.versions.node)
if (complaint === undefined) {
  const { enableCompileCache } = await import('node:module')
  enableCompileCache()
  const { run } = await import('./commands.ts')
  await run(process.argv)
} else {
  process.stderr.write(`countersign: ${complaint}\n`)
  process.exitCode = 1
}
