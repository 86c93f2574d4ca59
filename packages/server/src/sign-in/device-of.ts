import { type Device, deviceLabel } from '@countersign/core'
import type { HttpRequest } from '../http/message.ts'

/** Where the request comes from, as far as it says. */
export function deviceOf(request: HttpRequest): Device {
  return { label: deviceLabel(request.header('user-agent') ?? ''), ip: request.ip }
}
