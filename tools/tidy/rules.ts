import { barrelsRule, cyclesRule, importDirectionsRule, nodeModulesRule } from './import-rules.ts'
import { machineTracesRule, remindersRule, switchedTestsRule } from './leftover-rules.ts'
import { linksRule } from './link-rules.ts'
import { manifestsRule, projectsRule } from './manifest-rules.ts'
import { fileNamesRule, identifiersRule } from './name-rules.ts'
import { clockRule } from './purity-rules.ts'
import { sizeRule } from './size-rules.ts'
import { parse, type Rule, sources } from './tree.ts'

const syntaxRule: Rule = {
  name: 'syntax',
  why: 'What cannot be parsed cannot be judged.',
  check: tree =>
    sources(tree).flatMap(([path, text]) => parse(path, text).errors.map(({ message }) => ({ path, message }))),
}

/** Style as a test. Default exports and forgotten promises are biome's part (biome.json). */
export const rules: readonly Rule[] = [
  syntaxRule,
  importDirectionsRule,
  nodeModulesRule,
  cyclesRule,
  barrelsRule,
  clockRule,
  fileNamesRule,
  identifiersRule,
  sizeRule,
  remindersRule,
  switchedTestsRule,
  machineTracesRule,
  manifestsRule,
  projectsRule,
  linksRule,
]
