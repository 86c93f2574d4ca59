import { isRefusal, refuse } from '@countersign/protocol'
import { endNoticed } from '../connections/end-noticed.ts'
import { refusalAnswer } from '../http/answers.ts'
import { type Endpoint, noStore } from '../http/message.ts'
import type { Services } from '../services.ts'

/**
 * `POST /connections/{connection}/notices`: a provider says that somebody has left, or is not to be trusted any more. Believed if it is signed as that provider signs, for us; answered as RFC 8935 §2.2 has
 * it.
 */
export function takeNotice(services: Services): Endpoint {
  return async http => {
    const connection = services.connections.byName(http.params.connection ?? '')
    if (connection?.readNotice === undefined) return refusalAnswer(refuse('connection_unknown'))
    const notice = await connection.readNotice(http.body)
    if (isRefusal(notice)) return refusalAnswer(notice)
    const refused = await endNoticed(services, connection, notice)
    return refused === undefined ? { status: 202, headers: noStore } : refusalAnswer(refused)
  }
}
