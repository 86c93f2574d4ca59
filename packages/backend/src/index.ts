/**
 * For back ends: tokens of their own, and calls for users whom they have authenticated.
 *
 * @module
 */
export { CallFailure } from './call-failure.ts'
export { createMachineTokens, type MachineTokens, type MachineTokensOptions } from './machine-tokens.ts'
export type { Platform } from './platform.ts'
export type { TokenTarget } from './token-request.ts'
export {
  createTrusted,
  type Invitation,
  type ListedSession,
  type NewInvitation,
  type NewSession,
  type ProviderToken,
  type SessionTokens,
  type Trusted,
  type TrustedUser,
  type UserRights,
} from './trusted.ts'
