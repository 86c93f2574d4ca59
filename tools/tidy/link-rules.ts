import { posix } from 'node:path'
import type { Finding, Rule, Tree } from './tree.ts'

export const linksRule: Rule = {
  name: 'links',
  why: 'A link in the documentation leads somewhere.',
  check: tree => [...tree].flatMap(([path, text]) => (path.endsWith('.md') ? deadLinks(tree, path, text) : [])),
}

function deadLinks(tree: Tree, path: string, text: string): Finding[] {
  const findings: Finding[] = []
  const withoutCode = text.replace(/^```[\s\S]*?^```/gm, fence => fence.replace(/[^\n]/g, ' '))
  for (const [index, line] of withoutCode.split('\n').entries()) {
    for (const [, target = ''] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:|^#/.test(target)) continue
      const file = posix.join(posix.dirname(path), target.replace(/#.*$/, '')).replace(/\/$/, '')
      const isThere = tree.has(file) || [...tree.keys()].some(known => known.startsWith(`${file}/`)) || file === '.'
      if (!isThere) findings.push({ path, line: index + 1, message: `${target} does not exist` })
    }
  }
  return findings
}
