import { type Answer, basic, postForm } from './calls.ts'
import { type GivenServer, secrets } from './given.ts'

type Fields = Readonly<Record<string, string>>

export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
export const userIdType = 'urn:countersign:token-type:user_id'
export const asOrders: Fields = basic('orders', secrets.orders)

/** The API `orders` exchanges a token that it was sent. */
export function exchange(
  to: GivenServer,
  subjectToken: string,
  more: Fields = {},
  headers: Fields = {},
): Promise<Answer> {
  const fields = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
    ...more,
  }
  return postForm(to, '/token', fields, { ...asOrders, ...headers })
}
