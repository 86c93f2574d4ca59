/** The oldest Node that the command runs on: `engines` of every package that runs on a server says the same, and a test compares. */
export const neededNode = '24.19'

/** What to say to an older one; `undefined`: this one is new enough. */
export function complainOfOldNode(version: string): string | undefined {
  const [neededMajor = 0, neededMinor = 0] = neededNode.split('.').map(Number)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined
  return `Countersign needs Node ${neededNode} or later, this is ${version}.`
}
