import { request } from 'node:http'

/** What came back from a call. */
export interface Called {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  readonly json: () => Record<string, unknown>
}

/**
 * A plain HTTP call whose path and headers are exactly the given ones: `fetch` resolves dots, joins lines of one name
 * and adds headers of its own.
 */
export function call(
  url: string,
  options: { method?: string; headers?: Record<string, string | string[]> } = {},
): Promise<Called> {
  return new Promise((resolve, reject) => {
    const { hostname, port, origin, host: own } = new URL(url)
    const path = url.slice(origin.length)
    const { host = own, ...others } = options.headers ?? {}
    const raw: string[] = ['host', [host].flat()[0] as string, 'content-length', '0']
    for (const [name, value] of Object.entries(others)) for (const item of [value].flat()) raw.push(name, item)
    const outgoing = request(
      { hostname, port, path, method: options.method ?? 'GET', headers: raw, agent: false },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string | undefined>,
            text,
            json: () => JSON.parse(text),
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}
