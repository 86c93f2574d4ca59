import type { Chapter } from './advisory.ts'
import { advisoriesOfClients } from './of-clients.ts'
import { advisoriesOfConnections } from './of-connections.ts'
import { advisoriesOfGrants } from './of-grants.ts'
import { advisoriesOfMails } from './of-mails.ts'
import { advisoriesOfSessions } from './of-sessions.ts'
import { advisoriesOfTokens } from './of-tokens.ts'

export const chapters: readonly Chapter[] = [
  { title: 'Tokens', advisories: advisoriesOfTokens },
  { title: 'Codes, refresh tokens, clients’ authentication', advisories: advisoriesOfGrants },
  { title: 'Requests, redirects, registration, calls outwards', advisories: advisoriesOfClients },
  { title: 'Users, sign-in, sessions', advisories: advisoriesOfSessions },
  { title: 'Passwords and addresses by mail', advisories: advisoriesOfMails },
  { title: 'Signing in with others', advisories: advisoriesOfConnections },
]
