export {
  type Arrived,
  type Callback,
  type Connection,
  ConnectionUnavailable,
  type Notice,
  type PresentedToken,
  type ProviderTokens,
  type SignInMarks,
  type Started,
  type StartRequest,
} from './connection.ts'
export { connectionKeys, type WrittenConnection, writtenConnection } from './connection-settings.ts'
export { type ConnectionOptions, createConnection } from './create-connection.ts'
export { type PassportOptions, type PassportStrategy, type PassportTold, passportConnection } from './passport.ts'
export type { Person, PersonProfile } from './person.ts'
