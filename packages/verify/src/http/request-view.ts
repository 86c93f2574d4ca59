/** A request as every kind of server can show it. */
export interface RequestView {
  readonly method: string
  /** Path and query as the client sent them, before any router took something off. */
  readonly target: string
  /** All values of a header (lower-case name), one for each line that came. */
  header(name: string): readonly string[]
}

/** The part of a `node:http` request that is looked at; Express and Fastify hand theirs through. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** As Express keeps it when a router is mounted below a path. */
  readonly originalUrl?: string
  readonly rawHeaders: readonly string[]
}

/**
 * Looks at the raw headers: Node itself silently drops the second of two `Authorization` lines, and a request with two
 * tokens must not pass by the luck of their order.
 */
export function viewNodeRequest(request: NodeRequest): RequestView {
  return {
    method: request.method ?? 'GET',
    target: request.originalUrl ?? request.url ?? '/',
    header(name) {
      const values: string[] = []
      const { rawHeaders } = request
      for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
        const candidate = rawHeaders[i] as string
        if (candidate.length === name.length && candidate.toLowerCase() === name)
          values.push(rawHeaders[i + 1] as string)
      }
      return values
    },
  }
}

/** Several lines of one header are joined in a standard `Request`; whoever reads a value must expect that. */
export function viewFetchRequest(request: Request): RequestView {
  return {
    method: request.method,
    target: targetOf(request.url),
    header(name) {
      const value = request.headers.get(name)
      return value === null ? [] : [value]
    },
  }
}

/** Cut out, not parsed: parsing resolves dots, and a router that does not would see another path than was judged. */
function targetOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  return start < 0 ? '/' : url.slice(start)
}

/** The value of a header that came exactly once. */
export function single(view: RequestView, name: string): string | undefined {
  const values = view.header(name)
  return values.length === 1 ? values[0] : undefined
}
