import { dottedName, type Finding, lineAt, type Rule, sources, type Tree, walk } from './tree.ts'

// Built from parts so that the rules do not trip on themselves.
const reminders = new RegExp(
  `\\b(${['TO'.concat('DO'), 'FIX'.concat('ME'), 'X'.repeat(3), 'HA'.concat('CK')].join('|')})\\b`,
)

export const remindersRule: Rule = {
  name: 'reminders',
  why: 'What is left to do is an issue, not a comment.',
  check: tree => findInText(sourceLike(tree), reminders, word => `"${word}" in the source`),
}

function sourceLike(tree: Tree): Tree {
  return new Map([...tree].filter(([path]) => /\.(ts|tsx|mts|js|mjs|css|html|ya?ml|sh|sql)$|^\.ci\//.test(path)))
}

export const switchedTestsRule: Rule = {
  name: 'switched tests',
  why: 'A test that does not run proves nothing, and `only` switches off all others.',
  check: tree =>
    sources(tree).flatMap(([path, text]) => {
      const findings: Finding[] = []
      walk(path, text, node => {
        const name = dottedName(node)
        if (node.type !== 'MemberExpression' || name === undefined) return
        if (/^(test|it|describe|suite|bench)\.(.+\.)?(only|skip|todo)$/.test(name)) {
          findings.push({ path, line: lineAt(text, node.start), message: `${name}(…)` })
        }
      })
      return findings
    }),
}

const machineTraces = new RegExp(
  [
    `${'/wo'}${'rk/'}(main|shared)`,
    `${'/ro'}${'ot/'}`,
    // A host name that begins so: packages come from wherever npm is configured to look.
    `${'regi'}${'stry'}\\.[a-z0-9-]+\\.[a-z]`,
    `_auth${'Token'}`,
  ].join('|'),
)

export const machineTracesRule: Rule = {
  name: 'traces of a machine',
  why: 'The repository works anywhere: no path, host or credential of the machine that it was written on.',
  check: tree => [
    ...findInText(tree, machineTraces, word => `"${word}" belongs to one machine`),
    ...findInText(
      new Map([...tree].filter(([path]) => path.endsWith('package-lock.json'))),
      /"resolved": "http/,
      () => 'the lock file names a host',
    ),
  ],
}

function findInText(tree: Tree, pattern: RegExp, say: (word: string) => string): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of tree) {
    if (!pattern.test(text)) continue
    for (const [index, line] of text.split('\n').entries()) {
      const word = pattern.exec(line)?.[0]
      if (word !== undefined) findings.push({ path, line: index + 1, message: say(word) })
    }
  }
  return findings
}
