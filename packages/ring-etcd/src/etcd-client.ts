import { type RegisterServer, StoreUnavailable } from '@countersign/store'
import type { EtcdAddress } from './etcd-url.ts'

/** etcd by its JSON gateway: HTTP, and nothing else is needed for one key. */
export interface EtcdClient {
  /** Asks one server after the other until one answers. Throws `StoreUnavailable`. */
  ask(path: string, body: object): Promise<Answer>
  /** Asks the one that has answered last: it may have done what was asked though nobody was told, and must not do it twice. */
  askOnce(path: string, body: object): Promise<Answer>
  /** A long answer, line by line. Rejects when it breaks off. */
  follow(path: string, body: object, onLine: (line: Answer) => void, signal: AbortSignal): Promise<void>
}

export type Answer = Readonly<Record<string, unknown>>

export interface EtcdClientOptions extends Pick<EtcdAddress, 'servers' | 'credentials' | 'isSecure'> {
  readonly answerMilliseconds: number
  /** From 0 to 1: with which server to begin, so that not all nodes are at one. */
  readonly chance: number
  /** A server has failed: what hangs on it should be made anew. */
  readonly onFailure: () => void
}

/** The gateway's word (a gRPC code) for a token that has run out, and for a right that is missing. */
const unauthenticated = 16
const permissionDenied = 7

class EtcdRefusal extends Error {
  readonly code: unknown
  constructor({ code }: Answer) {
    super('etcd says no')
    this.code = code
  }
}

export function createEtcdClient(options: EtcdClientOptions): EtcdClient {
  const { servers, credentials, isSecure, answerMilliseconds } = options
  let current = Math.floor(options.chance * servers.length)
  let token: Promise<string> | undefined

  const send = async (path: string, body: object, signal: AbortSignal, authorization?: string): Promise<Response> => {
    const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) }
    const address = addressOf(servers[current % servers.length] as RegisterServer, isSecure)
    const response = await fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal })
    if (response.status === 200) return response
    const said = (await response.json()) as Answer
    // Nothing of what it says: it may quote what it was asked.
    throw response.status >= 500 ? new Error(`etcd answered ${response.status}`) : new EtcdRefusal(said)
  }

  async function authenticate(): Promise<string> {
    const [name, ...password] = (credentials as string).split(':')
    const signal = AbortSignal.timeout(answerMilliseconds)
    const response = await send('/v3/auth/authenticate', { name, password: password.join(':') }, signal)
    return String(((await response.json()) as Answer).token)
  }

  /** With a token of ours, if we have a name; and with another one if that has run out. */
  async function sendAsUs(path: string, body: object, signal: AbortSignal): Promise<Response> {
    if (credentials === undefined) return send(path, body, signal)
    for (let tries = 0; ; tries++) {
      token ??= authenticate()
      try {
        return await send(path, body, signal, await token)
      } catch (error) {
        token = undefined
        if (tries > 0 || !(error instanceof EtcdRefusal) || error.code !== unauthenticated) throw error
      }
    }
  }

  async function askOnce(path: string, body: object): Promise<Answer> {
    try {
      const response = await sendAsUs(path, body, AbortSignal.timeout(answerMilliseconds))
      return (await response.json()) as Answer
    } catch (error) {
      if (error instanceof EtcdRefusal) throw refused(error)
      current++
      options.onFailure()
      throw new StoreUnavailable('The key ring is out of reach: etcd does not answer.', { cause: error })
    }
  }

  return {
    askOnce,
    async ask(path, body) {
      for (let tries = 1; tries < servers.length; tries++) {
        const answer = await askOnce(path, body).catch(goOn)
        if (answer !== undefined) return answer
      }
      return askOnce(path, body)
    },
    async follow(path, body, onLine, signal) {
      const { body: stream } = await sendAsUs(path, body, signal)
      let rest = ''
      for await (const piece of (stream as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
        const lines = (rest + piece).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) onLine(JSON.parse(line) as Answer)
      }
      throw new Error('etcd has ended the answer')
    },
  }
}

/** Another server may answer; what was refused is refused by all. */
function goOn(error: unknown): undefined {
  if (!(error instanceof StoreUnavailable) || error.cause instanceof EtcdRefusal) throw error
}

function refused(error: EtcdRefusal): StoreUnavailable {
  const isRight = error.code === permissionDenied || error.code === unauthenticated
  const said = isRight
    ? 'etcd does not let this user read or write the key ring.'
    : 'etcd refuses what was asked of it.'
  return new StoreUnavailable(said, { cause: error })
}

function addressOf({ host, port }: RegisterServer, isSecure: boolean): string {
  return `${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
