import { dirname } from 'node:path'

/**
 * The folder that a relative path on the command line means: the one that the operator stands in. `npm --prefix clone run
 * countersign` starts the command in the clone, and says in `INIT_CWD` where it was typed. A script of another package is
 * believed to mean its own folder, as all npm scripts do.
 */
export function standingFolder(environment: Readonly<Record<string, string | undefined>>, current: string): string {
  const { INIT_CWD: typedIn, npm_package_name: name, npm_package_json: manifest } = environment
  const isScriptOfClone = name === 'countersign' && manifest !== undefined && dirname(manifest) === current
  return isScriptOfClone && typedIn !== undefined && typedIn !== '' ? typedIn : current
}
