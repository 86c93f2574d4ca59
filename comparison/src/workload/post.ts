import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Sending {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly json?: object
}

const agent = new Agent({ keepAlive: true })

/** One HTTP request on a kept connection, redirects not followed. */
export function send(url: string, { method, headers = {}, form, json }: Sending): Promise<Answer> {
  const body = form ? new URLSearchParams(form).toString() : json && JSON.stringify(json)
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
  const all = { ...headers, ...(body !== undefined && { 'content-type': type, 'content-length': String(body.length) }) }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method: method ?? (body ? 'POST' : 'GET'), headers: all }, incoming => {
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (chunk: string) => {
        text += chunk
      })
      incoming.on('error', reject)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
