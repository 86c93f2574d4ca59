import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Observer, Services } from '@countersign/server'
import { Registry } from 'prom-client'
import { WrongConfiguration } from '../configuration-problems.ts'
import type { System } from '../open-system.ts'
import { watchNode } from './gauges.ts'
import { createCounting } from './observing.ts'

/** What a node tells of itself to Prometheus. */
export interface NodeMetrics {
  /** To be given to the node. */
  readonly observer: Observer
  /** Adds what the node knows by itself, and serves everything at `/metrics`, on loopback: metrics are for nobody else. */
  listen(services: Services, system: Pick<System, 'valkeyIsThere' | 'clock'>): Promise<MetricsListener>
}

export interface MetricsListener {
  readonly address: string
  close(): Promise<void>
}

export function createNodeMetrics(port: number): NodeMetrics {
  const registry = new Registry()
  const counting = createCounting(registry)
  return {
    observer: counting.observer,
    listen(services, { valkeyIsThere, clock }) {
      watchNode(registry, services, { feedLookedAt: counting.feedLookedAt, valkeyIsThere, storeClock: clock })
      return serveMetrics(registry, port)
    },
  }
}

function serveMetrics(registry: Registry, port: number): Promise<MetricsListener> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end()
      return
    }
    registry.metrics().then(
      text => response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' }).end(text),
      () => response.writeHead(503).end(),
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { code?: string }) => {
      reject(error.code === 'EADDRINUSE' ? new WrongConfiguration(`metrics_port: ${port} is in use.`) : error)
    })
    server.listen(port, '127.0.0.1', () => {
      const { port: own } = server.address() as AddressInfo
      const close = (): Promise<void> =>
        new Promise(closed => {
          server.close(() => closed())
          server.closeAllConnections()
        })
      resolve({ address: `http://127.0.0.1:${own}/metrics`, close })
    })
  })
}
