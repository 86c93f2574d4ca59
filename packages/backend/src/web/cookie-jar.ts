/** Reads and writes cookies of the app's own host. A long value is laid in pieces: browsers refuse a cookie of more than 4,096 bytes. */
export interface CookieJar {
  /** The value; `undefined` if there is none, if a piece is missing, or if there are two of one name and which is ours would be a guess. */
  read(request: Request, name: string): string | undefined
  /** The names that the request has of those that begin so. */
  namesOf(request: Request, beginning: string): readonly string[]
  /** `Set-Cookie` headers, one a piece; pieces that the request has and the new value does not need are taken away. */
  write(request: Request, name: string, value: string, more: CookieTerms): readonly string[]
  clear(request: Request, name: string): readonly string[]
}

export interface CookieTerms {
  readonly maxAgeSeconds: number
  /** Default: true. */
  readonly httpOnly?: boolean
  /** Without the `__Host-` prefix, for a name that others prescribe. */
  readonly plainName?: boolean
}

const pieceLength = 3_500
const piecesAtMost = 6

/**
 * Over TLS: `Secure`, and the prefix `__Host-`, which no sibling host can write (RFC 6265bis §4.1.3.2). On loopback without TLS a
 * browser would keep neither.
 */
export function createCookieJar(appUrl: URL, sameSite: 'lax' | 'strict'): CookieJar {
  const isSecure = appUrl.protocol === 'https:'
  const prefix = isSecure ? '__Host-' : ''
  const site = sameSite === 'lax' ? 'Lax' : 'Strict'

  function line(
    name: string,
    value: string,
    { maxAgeSeconds, httpOnly = true, plainName = false }: CookieTerms,
  ): string {
    const attributes = [`Path=/`, `Max-Age=${maxAgeSeconds}`, `SameSite=${site}`]
    if (httpOnly) attributes.push('HttpOnly')
    if (isSecure) attributes.push('Secure')
    return `${plainName ? '' : prefix}${name}=${value}; ${attributes.join('; ')}`
  }

  function piecesIn(request: Request, name: string): readonly string[] {
    const all = pairs(request)
    const names = [name, ...Array.from({ length: piecesAtMost }, (_, index) => `${name}.${index + 1}`)]
    return names.filter(one => all.some(([found]) => found === prefix + one))
  }

  return {
    read(request, name) {
      const all = pairs(request)
      const cookieNamed = (wanted: string): string | undefined => {
        const found = all.filter(([one]) => one === wanted)
        return found.length === 1 ? found[0]?.[1] : undefined
      }
      const [, count, first] = /^(\d)~(.*)$/.exec(cookieNamed(prefix + name) ?? '') ?? []
      if (count === undefined || first === undefined) return undefined
      let value = first
      for (let index = 1; index < Number(count); index++) {
        const piece = cookieNamed(`${prefix}${name}.${index}`)
        if (piece === undefined) return undefined
        value += piece
      }
      return value
    },
    namesOf: (request, beginning) =>
      pairs(request)
        .map(([name]) => name)
        .filter(name => name.startsWith(prefix + beginning))
        .map(name => name.slice(prefix.length)),
    write(request, name, value, terms) {
      if (terms.plainName) return [line(name, value, terms)]
      const pieces = value.match(new RegExp(`.{1,${pieceLength}}`, 'g')) ?? ['']
      if (pieces.length > piecesAtMost) {
        throw new RangeError('The login is too large for cookies: give the token handler a session store.')
      }
      const names = pieces.map((_, index) => (index === 0 ? name : `${name}.${index}`))
      const stale = piecesIn(request, name).filter(one => !names.includes(one))
      return [
        ...names.map((one, index) =>
          line(one, index === 0 ? `${pieces.length}~${pieces[0]}` : (pieces[index] ?? ''), terms),
        ),
        ...stale.map(one => line(one, '', { maxAgeSeconds: 0 })),
      ]
    },
    clear: (request, name) => piecesIn(request, name).map(one => line(one, '', { maxAgeSeconds: 0 })),
  }
}

function pairs(request: Request): readonly (readonly [name: string, value: string])[] {
  return (request.headers.get('cookie') ?? '').split(/; */).map(pair => {
    const cut = pair.indexOf('=')
    return [pair.slice(0, Math.max(cut, 0)), pair.slice(cut + 1)] as const
  })
}
