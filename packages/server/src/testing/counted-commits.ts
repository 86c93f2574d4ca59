import { type GivenServer, given } from './given.ts'

/** A server, and how often it has written since it was ready. */
export async function givenCountedServer(): Promise<{ to: GivenServer; commits: () => number }> {
  let commits = 0
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      commit(change) {
        commits++
        return store.commit(change)
      },
    }),
  })
  const before = commits
  return { to, commits: () => commits - before }
}
