import type { Finding, Rule, Tree } from './tree.ts'

interface Manifest {
  readonly name?: string
  readonly license?: string
  readonly description?: string
  readonly private?: boolean
  readonly engines?: { readonly node?: string }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export const manifestsRule: Rule = {
  name: 'package manifests',
  why: 'Who installs a package sees what it is, under which licence, and where it runs; versions are exact.',
  check: tree =>
    [...tree].flatMap(([path, text]) =>
      /(^|\/)package\.json$/.test(path) ? judgeManifest(path, JSON.parse(text) as Manifest) : [],
    ),
}

function judgeManifest(path: string, manifest: Manifest): Finding[] {
  const findings: Finding[] = []
  const missing = (what: string): number => findings.push({ path, message: `${what} is missing` })
  if (manifest.name === undefined) missing('name')
  if (manifest.license !== 'Apache-2.0') missing('license Apache-2.0')
  if (path.startsWith('packages/')) {
    if (manifest.description === undefined) missing('description')
    if (manifest.engines?.node === undefined) missing('engines.node')
    const folder = path.split('/')[1] ?? ''
    if (manifest.name !== `@countersign/${folder}`)
      findings.push({ path, message: `name is not @countersign/${folder}` })
  } else if (manifest.private !== true) missing('private')
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (!/^\d+\.\d+\.\d+/.test(version)) findings.push({ path, message: `${name}: "${version}" is no exact version` })
  }
  return findings
}

export const projectsRule: Rule = {
  name: 'projects',
  why: 'Types are checked everywhere: the root tsconfig.json refers to every workspace that holds source.',
  check: tree => {
    const root = tree.get('tsconfig.json')
    if (root === undefined) return []
    const { references = [] } = JSON.parse(root) as { references?: { path: string }[] }
    const referred = new Set(references.map(({ path }) => path.replace(/^\.\//, '')))
    return [...tree.keys()].flatMap(path => {
      const workspace = /^(.+)\/package\.json$/.exec(path)?.[1]
      if (workspace === undefined || referred.has(workspace) || !holdsSource(tree, workspace)) return []
      return [{ path: 'tsconfig.json', message: `no reference to ${workspace}` }]
    })
  },
}

function holdsSource(tree: Tree, workspace: string): boolean {
  return [...tree.keys()].some(path => path.startsWith(`${workspace}/`) && /\.tsx?$/.test(path))
}
