/**
 * Tells paths that need no token. Compared letter by letter; a path that a router could read in two ways (dots, with a
 * parameter behind them too; double or encoded slashes, backslashes) is never public.
 */
export function publicPaths(paths: readonly string[]): (target: string) => boolean {
  const exact = new Set<string>()
  const prefixes: string[] = []
  for (const path of paths) {
    if (!path.startsWith('/')) throw new TypeError('public paths begin with a slash')
    if (path.endsWith('/*')) prefixes.push(path.slice(0, -1))
    else exact.add(path)
  }
  return target => {
    if (exact.size === 0 && prefixes.length === 0) return false
    const path = target.split(/[?#]/, 1)[0] as string
    if (exact.has(path)) return true
    return !isTwofold(path) && prefixes.some(prefix => path.startsWith(prefix))
  }
}

function isTwofold(path: string): boolean {
  return /\/\.{1,2}(?:[/;]|$)|\/\/|\\|%2e|%2f|%3b|%5c|%00/i.test(path)
}
