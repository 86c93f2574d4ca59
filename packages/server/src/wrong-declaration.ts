/** What an operator declares wrongly stops the server: closed, not open (RFC 9700 §4.1). Says what and where, never a secret. */
export class WrongDeclaration extends Error {
  override readonly name = 'WrongDeclaration'
}
