import { accessSync, constants } from 'node:fs'

/** Where Debian, Ubuntu and the vendor put it. */
const usualPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
]

/**
 * The Chromium that browser tests start: `COUNTERSIGN_CHROMIUM` if it is set, else the first usual place that holds
 * one. `undefined` if there is none, also when the variable names a file that cannot be run: a wrong setting is
 * not papered over by another browser.
 */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.COUNTERSIGN_CHROMIUM
  const candidates = named === undefined || named === '' ? usualPaths : [named]
  return candidates.find(canRun)
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
