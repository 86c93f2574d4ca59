import { posix } from 'node:path'
import type { Finding, Rule, Tree } from './tree.ts'

export const linksRule: Rule = {
  name: 'links',
  why: 'A link in the documentation leads somewhere: to a file, and to a heading in it.',
  check: tree => [...tree].flatMap(([path, text]) => (path.endsWith('.md') ? deadLinks(tree, path, text) : [])),
}

function deadLinks(tree: Tree, path: string, text: string): Finding[] {
  const findings: Finding[] = []
  for (const [index, line] of withoutCode(text).split('\n').entries()) {
    for (const [, target = ''] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [name = '', heading] = target.split('#')
      const file = name === '' ? path : posix.join(posix.dirname(path), name).replace(/\/$/, '')
      const isThere = tree.has(file) || [...tree.keys()].some(known => known.startsWith(`${file}/`)) || file === '.'
      const page = file.endsWith('.md') ? tree.get(file) : undefined
      if (!isThere) findings.push({ path, line: index + 1, message: `${target} does not exist` })
      else if (heading !== undefined && page !== undefined && !headingsIn(page).has(heading)) {
        findings.push({ path, line: index + 1, message: `${target}: there is no such heading` })
      }
    }
  }
  return findings
}

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, fence => fence.replace(/[^\n]/g, ' '))

/** As GitHub makes addresses of them: small letters, what is neither letter, digit, hyphen nor underscore is left out, spaces are hyphens. */
function headingsIn(text: string): ReadonlySet<string> {
  const headings = withoutCode(text).matchAll(/^#+ (.*)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}
