import { idOf } from '@countersign/core'
import type { HttpRequest } from '../http/message.ts'

/** The id of the user in the path, in either spelling. What is no id is nobody's. */
export function namedUser({ params }: Pick<HttpRequest, 'params'>): string {
  return idOf(params.user ?? '') ?? ''
}
