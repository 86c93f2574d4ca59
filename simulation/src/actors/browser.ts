import type { HttpAnswer, HttpRequest } from '@countersign/server'
import type { Dice } from '../world/dice.ts'
import type { Network, Sender } from '../world/network.ts'
import { issuerUrl } from '../world/node.ts'
import type { VirtualTime } from '../world/virtual-time.ts'
import { passwordOf } from './device.ts'
import { ask } from './plain-client.ts'

/** A person's browser on the hosted pages: keeps cookies, fills forms in, and loads a page again if it did not come. */
export interface Browser {
  /** From an authorization request to where it leads: the parameters that the application is told, if it ends well. */
  follow(path: string): Promise<URLSearchParams | undefined>
}

export interface BrowserWorld {
  readonly time: VirtualTime
  readonly dice: Dice
  readonly network: Network
  /** The person presses "allow". */
  readonly onAllow: () => void
}

const patience = 10_000
const stepsAtMost = 14
const form = 'application/x-www-form-urlencoded'

export function createBrowser(world: BrowserWorld, sender: Sender, user: string): Browser {
  const { time, dice } = world
  const jar = new Map<string, string>()

  async function send(method: 'GET' | 'POST', path: string, body = ''): Promise<HttpAnswer | undefined> {
    const [pathname = '', query = ''] = path.split('?')
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers: Record<string, string | undefined> = {
      cookie: cookie === '' ? undefined : cookie,
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0',
      'sec-fetch-site': 'same-origin',
      ...(method === 'POST' && { 'content-type': form, origin: issuerUrl }),
    }
    const header = (name: string): string | undefined => headers[name]
    const request: HttpRequest = { method, path: pathname, query, params: {}, header, body, ip: sender.ip }
    const answer = await ask(world, sender, request, patience)
    for (const line of [answer?.headers['set-cookie'] ?? []].flat()) keep(jar, line)
    return answer
  }

  /** Loads a page with a form, and sends the form. */
  async function submit(path: string, fill: (hidden: Hidden) => Hidden): Promise<HttpAnswer | undefined> {
    const page = await send('GET', path)
    if (page === undefined || page.status !== 200) return page
    const hidden = hiddenIn(String(page.body))
    await time.sleep(dice.between(300, 3_000))
    return send('POST', path, new URLSearchParams(fill(hidden)).toString())
  }

  function step(path: string): Promise<HttpAnswer | undefined> {
    const page = path.split('?')[0]
    if (page === '/sign-in') {
      const credentials = { email: `${user}@example.org`, password: passwordOf(user) }
      return submit(path, ({ csrf = '' }) => ({ csrf, ...credentials }))
    }
    if (page !== '/consent') return send('GET', path)
    return submit(path, hidden => {
      const decision = dice.chance(0.1) ? 'deny' : 'allow'
      if (decision === 'allow') world.onAllow()
      return { ...hidden, decision }
    })
  }

  return {
    async follow(from) {
      let path = from
      for (let steps = 0; steps < stepsAtMost; steps++) {
        const answer = await step(path)
        const { refresh, location = /^0;url=(.+)$/.exec(String(refresh))?.[1] } = answer?.headers ?? {}
        if (typeof location !== 'string') {
          // Nothing came, or an error page: the person loads the page again.
          await time.sleep(dice.between(500, 2_000))
          continue
        }
        if (!location.startsWith('/')) return new URL(location).searchParams
        path = location
      }
      return undefined
    },
  }
}

type Hidden = Readonly<Record<string, string>>

function hiddenIn(page: string): Hidden {
  const fields = page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]))
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split('; ')
  const cut = pair.indexOf('=')
  const name = pair.slice(0, cut)
  if (attributes.includes('Max-Age=0')) jar.delete(name)
  else jar.set(name, pair.slice(cut + 1))
}
