import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { advisoriesDocument, gapsOfAdvisories } from './advisories/document.ts'
import { trackedTree } from './tidy/tree.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tree = trackedTree(root)
writeFileSync(new URL('../docs/advisories.md', import.meta.url), advisoriesDocument(tree))
for (const gap of gapsOfAdvisories(tree)) console.error(gap)
