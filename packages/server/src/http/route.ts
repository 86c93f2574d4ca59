import type { Endpoint } from './message.ts'

/** What is served under one path. */
export interface Route {
  readonly path: string
  readonly get?: Endpoint
  readonly post?: Endpoint
  readonly put?: Endpoint
  readonly delete?: Endpoint
  /** Who may read the answer from another origin: nobody, the origins of registered clients, or anyone (who is not registered yet). No cookie counts there. */
  readonly cors?: 'clients' | 'anyone'
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

/**
 * A router keeps a tree of paths for each method, and in all of its trees a route takes as much as eight. So it knows the methods that a route has, and whose path
 * it was that came by another one is looked up here.
 */
export interface Paths {
  /** Those to tell the router of. */
  methodsOf(route: Route): Method[]
  routeOf(url: string): Route | undefined
}

export function createPaths(routes: readonly Route[]): Paths {
  const patterns = routes.map(route => ({ route, segments: route.path.split('/') }))

  function routesOf(path: string): Route[] {
    const segments = path.split('/')
    return patterns.filter(pattern => isOf(segments, pattern.segments)).map(({ route }) => route)
  }

  return {
    methodsOf(route) {
      // Also those of a parameter in whose place this path has a word: that word is none of its values by any method.
      return [...new Set(routesOf(route.path).flatMap(ownMethods))]
    },
    routeOf(url) {
      const found = routesOf(url.split('?', 1)[0] ?? '')
      return found.find(route => !route.path.includes(':')) ?? found[0]
    },
  }
}

export function ownMethods({ get, post, put, delete: remove }: Route): Method[] {
  return [
    ...(get ? (['GET', 'HEAD'] as const) : []),
    ...(post ? (['POST'] as const) : []),
    ...(put ? (['PUT'] as const) : []),
    ...(remove ? (['DELETE'] as const) : []),
  ]
}

function isOf(path: readonly string[], pattern: readonly string[]): boolean {
  return (
    path.length === pattern.length &&
    pattern.every((part, place) => (part.startsWith(':') ? path[place] !== '' : part === path[place]))
  )
}
