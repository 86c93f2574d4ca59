/** Adds names to a header that is a list (`Vary`, `Access-Control-Expose-Headers`), each once. */
export function mergeList(before: string | undefined, names: readonly string[]): string {
  const list = (before ?? '').split(',').map(name => name.trim())
  const merged = list.filter(name => name !== '')
  const known = new Set(merged.map(name => name.toLowerCase()))
  for (const name of names) if (!known.has(name.toLowerCase())) merged.push(name)
  return merged.join(', ')
}
