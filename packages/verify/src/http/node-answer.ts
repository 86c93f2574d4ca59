import type { Answer, Pass } from './decision.ts'
import { mergeList } from './merge-list.ts'

/** The part of a `node:http` response that is used. */
export interface NodeResponse {
  statusCode: number
  getHeader(name: string): number | string | string[] | undefined
  setHeader(name: string, value: string): unknown
  end(text: string): unknown
}

export function prepare(response: NodeResponse, { vary, cacheControl }: Pass): void {
  if (vary.length > 0) extend(response, 'Vary', vary)
  if (cacheControl !== undefined) response.setHeader('Cache-Control', cacheControl)
}

export function send(response: NodeResponse, answer: Answer): void {
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  extend(response, 'Vary', answer.vary)
  extend(response, 'Access-Control-Expose-Headers', answer.expose)
  response.end(answer.body)
}

function extend(response: NodeResponse, name: string, names: readonly string[]): void {
  if (names.length > 0) response.setHeader(name, mergeList(response.getHeader(name)?.toString(), names))
}
