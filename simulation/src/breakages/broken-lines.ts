import type { Breakage } from './breakage.ts'

/** What the SDKs read, with one thing changed on the way. */
export const brokenLines: readonly Breakage[] = [
  {
    name: 'the feed is resumed from its end',
    focus: { troubles: ['feed', 'user', 'operator'], apis: 1 },
    apiNetwork: world => ({
      async send(from, request, node) {
        if (request.header('last-event-id') === undefined) return world.network.send(from, request, node)
        const { feed } = world.disk.engine()
        const end = `${feed.incarnation}.${(await feed.snapshot()).number}`
        const header = (name: string): string | undefined => (name === 'last-event-id' ? end : request.header(name))
        return world.network.send(from, { ...request, header }, node)
      },
    }),
  },
  {
    name: 'a message of the feed says neither what it follows nor when it was sent',
    focus: { troubles: ['feedOrder', 'feedOrder', 'operator', 'user'], apis: 1 },
    foundBy: ['a revoked token is refused everywhere within the bound'],
    needs: step => step.do === 'weather' && (step.weather.shuffle ?? step.weather.double) !== undefined,
    apiMessage: world => text =>
      text.replace(/"after":"[^"]*",/, '').replace(/"as_of":[\d.]+/, `"as_of":${world.disk.now() / 1000}`),
  },
  {
    name: 'the device believes its own clock, not the server’s',
    focus: { troubles: ['deviceClock'] },
    deviceNetwork: world => ({
      async send(from, request, node) {
        const answer = await world.network.send(from, request, node)
        const { 'dpop-nonce': _nonce, ...headers } = answer.headers
        if (typeof answer.body !== 'string' || !answer.body.startsWith('{')) return { ...answer, headers }
        const { server_time: _time, ...body } = JSON.parse(answer.body) as Record<string, unknown>
        return { ...answer, headers, body: JSON.stringify(body) }
      },
    }),
  },
]
