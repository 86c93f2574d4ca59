import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gapsOfSpecMap, specMapDocument } from './spec-map/document.ts'
import { trackedTree } from './tidy/tree.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tree = trackedTree(root)
writeFileSync(new URL('../docs/spec-map.md', import.meta.url), specMapDocument(tree))
for (const gap of gapsOfSpecMap(tree)) console.error(gap)
