import { type Device, deviceLabel } from '@countersign/core'
import type { HttpRequest } from '../http/message.ts'

/** Where the request comes from, as far as it says. A refresh seldom has to say: the label is made when it is read. */
export function deviceOf(request: HttpRequest): Device {
  const { ip } = request
  const userAgent = request.header('user-agent')
  return {
    get label() {
      return deviceLabel(userAgent)
    },
    ip,
  }
}
