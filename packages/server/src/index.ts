export { type Admin, createAdmin, type KeyView } from './admin/admin.ts'
export type { ClientAdmin } from './admin/client-admin.ts'
export type { PrunedAudit, WantedCut } from './audit/prune-audit.ts'
export type { AuditView } from './audit/read-audit.ts'
export { type WrittenRights, writtenRights } from './claims/change-rights.ts'
export type { AddClaims, ClaimsRequest } from './claims/claims-teller.ts'
export { closedRegistration, type RegistrationPolicy } from './clients/registration/registration-policy.ts'
export { rightsOfBackEnds } from './clients/rights-of-back-ends.ts'
export {
  claimsMap,
  clientKeys,
  clientOfWritten,
  clientSettings,
  newClient,
  type WrittenClient,
  writtenClient,
} from './clients/written-client.ts'
export { createNode, type NodeOptions, type ServerNode } from './create-node.ts'
export { type CountersignServer, createServer, type ServerOptions } from './create-server.ts'
export type { UseProofOnce } from './dpop/proof-checker.ts'
export { jwksMaxAgeSeconds } from './endpoints/discovery.ts'
export { everyInterval } from './every.ts'
export type { HostedServices } from './hosted/hosted-services.ts'
export { isLoopback } from './http/client-address.ts'
export type { HttpAnswer, HttpRequest } from './http/message.ts'
export type { ImportLine, ImportOutcome, RefusedLine } from './imports/import-users.ts'
export { createLookout, type Lookout } from './jobs/lookout.ts'
export { WrongMasterKey } from './keys/open-ring.ts'
export type { Log } from './log.ts'
export { type MailFrom, openSmtp, type SmtpOptions } from './mail/smtp-transport.ts'
export type { MailMessage, MailOutcome, MailTransport } from './mail/transport.ts'
export type { AnswerFacts, CommitFacts, Observer } from './observation/observer.ts'
export type { LanguagesOptions, WrittenLanguage } from './pages/language/languages.ts'
export type { Logo, Picture } from './pages/site.ts'
export type { Theme } from './pages/theme.ts'
export { refuseWithoutWayIn } from './passwords/use-of-passwords.ts'
export { pooledRandomBytes } from './pooled-random.ts'
export { recordOfAudit } from './restore/record-of-audit.ts'
export type { JudgeRefresh, RefreshEvent, ServerConfig, Services } from './services.ts'
export { WrongDeclaration } from './wrong-declaration.ts'
