/*
 * What a server needs to know of connections before there is one: an entry of its own, since the other brings the protocol's library along, which would make every start slower and every process larger.
 */

export { ConnectionUnavailable } from './connection.ts'
export {
  connectionKeys,
  connectionMembers,
  connectionName,
  type WrittenConnection,
  writtenConnection,
} from './connection-settings.ts'
