import { setTimeout } from 'node:timers/promises'
import { type Answer, basic, bearer, call } from './http-call.ts'
import type { MovedClock } from './moved-clock.ts'
import { type TurningNode, turningClients } from './turning-nodes.ts'

/** An access token, and when it was answered by which node. */
export interface Minted {
  readonly token: string
  readonly kid: string
  /** By its claims. */
  readonly mintedAt: number
  readonly expiresAt: number
  readonly ofUser: boolean
  readonly node: string
  readonly answeredAt: number
}

/** What a node has published, and when it was asked. */
export interface KeySet {
  readonly node: string
  readonly askedAt: number
  readonly kids: ReadonlySet<string>
}

/** Who has tokens minted at each node all the time, of jobs and of users, and asks each node about those of all. */
export interface Bearers {
  readonly minted: readonly Minted[]
  readonly keySets: readonly KeySet[]
  /** What nobody should have been answered. */
  readonly wrong: readonly string[]
  /** Resolves when a node has minted a token after the call, and answered about another one. */
  goOn(...nodes: readonly TurningNode[]): Promise<void>
  /** Resolves with the first token of a node, minted from now on, under another key. */
  signsAnew(node: TurningNode, kid: string | undefined): Promise<void>
  /** Resolves when a node has said that it cannot mint now, and when to come again. */
  isRefused(node: TurningNode): Promise<void>
  /** Tokens that stand for a while yet. */
  standing(): readonly Minted[]
  /** Asks each node about a token of each key and node. */
  askAboutAll(): Promise<void>
  stop(): Promise<void>
}

const patience = 60_000
/** Between rounds: what goes on all the time must leave room for what it goes on beside. */
const restMs = 25
/** So long before its end a token is not judged any more. */
const marginMs = 5_000

export function startBearers(nodes: readonly TurningNode[], clock: MovedClock): Bearers {
  const minted: Minted[] = []
  const keySets: KeySet[] = []
  const wrong: string[] = []
  const told = new EventTarget()
  let stopped = false
  const standing = (): readonly Minted[] => minted.filter(({ expiresAt }) => expiresAt > clock.now() + marginMs)

  function isWrong(what: string): void {
    wrong.push(what)
    told.dispatchEvent(new Event('wrong'))
  }

  /** The answer if it is a good one. Away is no harm, as long as it is said when to come again; nor is a process that stood still while the request came (408). */
  function good(node: TurningNode, answer: Answer | undefined): Answer | undefined {
    if (answer?.status === 408) return undefined
    if (answer === undefined || answer.status < 300) return answer
    if (answer.status === 503 && Number(answer.headers['retry-after']) > 0)
      told.dispatchEvent(new Event(`refused ${node.name}`))
    else isWrong(`${node.name}: ${answer.status} ${answer.text}`)
    return undefined
  }

  const goodUnlessKilled = async (node: TurningNode, asking: Promise<Answer>): Promise<Answer | undefined> =>
    good(node, await asking.catch(() => undefined))

  async function lookAtKeys(node: TurningNode): Promise<void> {
    const askedAt = clock.now()
    const answer = await goodUnlessKilled(node, call(`${node.url}/jwks`, { patience }))
    const keys = (answer?.json.keys ?? []) as { kid: string }[]
    if (answer !== undefined) keySets.push({ node: node.name, askedAt, kids: new Set(keys.map(({ kid }) => kid)) })
  }

  async function mint(node: TurningNode, ofUser: boolean): Promise<Minted | undefined> {
    const headers = basic(turningClients.job.id, turningClients.job.secret)
    const json = { client_id: 'app', user: { external_id: node.name }, scope: 'openid notes' }
    const form = { grant_type: 'client_credentials', scope: 'notes' }
    const answer = await goodUnlessKilled(
      node,
      ofUser
        ? call(`${node.url}/v1/trusted/sessions`, { headers, json, patience })
        : call(`${node.url}/token`, { headers, form, patience }),
    )
    if (answer === undefined) return undefined
    const token = String(answer.json.access_token)
    const [{ kid }, { iat, exp }] = token
      .split('.', 2)
      .map(part => JSON.parse(Buffer.from(part, 'base64url').toString())) as [
      { kid: string },
      { iat: number; exp: number },
    ]
    const [mintedAt, expiresAt] = [iat * 1000, exp * 1000]
    const one = { token, kid, mintedAt, expiresAt, ofUser, node: node.name, answeredAt: clock.now() }
    minted.push(one)
    return one
  }

  /** Whether a node has said that it takes a token, as it must unless that has ended meanwhile: a node may stand still for long. */
  async function askAbout(node: TurningNode, { token, ofUser, kid, node: by, expiresAt }: Minted): Promise<boolean> {
    const headers = basic(turningClients.api.id, turningClients.api.secret)
    const asked = [call(`${node.url}/introspect`, { headers, form: { token }, patience })]
    if (ofUser) asked.push(call(`${node.url}/userinfo`, { headers: bearer(token), patience }))
    const answers = await Promise.all(asked.map(one => one.catch(() => undefined)))
    if (expiresAt < clock.now()) return false
    const [said, told] = [good(node, answers[0]), ofUser ? good(node, answers[1]) : true]
    if (said?.json.active === false) isWrong(`${node.name} does not know a token that ${by} has signed with ${kid}`)
    return said !== undefined && told !== undefined
  }

  async function go(node: TurningNode): Promise<void> {
    for (let round = 0; ; round++) {
      await Promise.all([node.isThere(), setTimeout(restMs)])
      if (stopped) return
      await lookAtKeys(node)
      const own = await mint(node, round % 4 === 0)
      const all = standing()
      const about = all[(round * 7) % all.length]
      if (about === undefined || !(await askAbout(node, about)) || own === undefined) continue
      told.dispatchEvent(new CustomEvent(`gone on ${node.name}`, { detail: own }))
    }
  }
  const going = nodes.map(go)

  /** Resolves with the event after which it is so; rejects as soon as something is wrong. */
  function until(name: string, isSo: (event: CustomEvent<Minted>) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const hearing = new AbortController()
    const { signal } = hearing
    const hear = (event: Event): void => {
      if (isSo(event as CustomEvent<Minted>)) resolve()
    }
    told.addEventListener(name, hear, { signal })
    told.addEventListener('wrong', () => reject(new Error(wrong.join('\n'))), { signal })
    return promise.finally(() => hearing.abort())
  }

  return {
    minted,
    keySets,
    wrong,
    standing,
    // The second from now: the round of the first one may have begun before.
    async goOn(...those) {
      await Promise.all(
        those.map(({ name }) => {
          let rounds = 0
          return until(`gone on ${name}`, () => ++rounds === 2)
        }),
      )
    },
    signsAnew: (node, kid) => until(`gone on ${node.name}`, ({ detail }) => detail.kid !== kid),
    async askAboutAll() {
      const each = Map.groupBy(standing(), ({ kid, node, ofUser }) => `${kid} ${node} ${ofUser}`)
      for (const [one] of each.values()) {
        for (const node of nodes) {
          while (one && one.expiresAt > clock.now() && wrong.length === 0 && !(await askAbout(node, one))) {}
        }
      }
    },
    isRefused: node => until(`refused ${node.name}`, () => true),
    async stop() {
      stopped = true
      await Promise.all(going)
    },
  }
}
