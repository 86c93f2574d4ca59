import type { Client } from '@countersign/core'
import type { Store } from '@countersign/store'
import { checkApis } from './clients/check-apis.ts'
import { checkClients, declareClients, declareIssuer } from './clients/declare-clients.ts'
import { isLocalIssuer } from './http/client-address.ts'
import type { Log } from './log.ts'
import { createLanguages, type Languages } from './pages/language/languages.ts'
import { stylesheet } from './pages/stylesheet.ts'
import { defaultTheme } from './pages/theme.ts'
import type { ServerConfig } from './services.ts'
import { judgeAll, WrongDeclaration } from './wrong-declaration.ts'

/** What a start declares: what is wrong in it is said before anything is written. */
export interface Declarations {
  readonly config: ServerConfig
  /** Stored if they are new or changed. */
  readonly clients: readonly Client[]
  /** Whether there are no others: stored clients that are not named here are then switched off. */
  readonly clientsAreComplete?: boolean
  /** Which of several declarations of clients it is: one with a lower number than what is stored, or without, changes no client. */
  readonly clientsVersion?: number
}

/** All that is declared, before anything of it is written. What is wrong is said together. */
export function judgeDeclarations({ config, clients }: Declarations): Languages {
  const [languages] = judgeAll(
    () => createLanguages(config.languages),
    () => config.theme && stylesheet({ ...defaultTheme, ...config.theme }),
    () => checkIssuer(config.issuer),
    () => checkClients(clients),
    () => checkApis(config, clients),
  )
  return languages
}

/** Makes the store what is declared; the log says what that has changed. Answers which clients it has switched off. */
export async function declare(
  store: Store,
  { clients, clientsAreComplete = false, clientsVersion: version, config: { issuer } }: Declarations,
  log: Log,
): Promise<readonly string[]> {
  const before = await declareIssuer(store, issuer)
  if (before !== undefined) {
    log.warn(
      { before, issuer },
      'the issuer is another one now: what was given in the name of the one before is refused',
    )
  }
  const terms = { areComplete: clientsAreComplete, ...(version !== undefined && { version }) }
  const { changed, narrowed, switchedOff, storedVersion: stored } = await declareClients(store, clients, terms)
  if (stored !== undefined) {
    log.warn(
      { clientsVersion: version ?? null, stored },
      'the clients stay as they are stored: a configuration with a higher clients_version was declared before',
    )
  }
  const others = changed.filter(id => !narrowed.includes(id))
  if (others.length > 0) log.info({ clients: others }, 'clients were made what this configuration says')
  if (narrowed.length > 0)
    log.warn({ clients: narrowed }, 'clients lose something that they had, by this configuration')
  if (switchedOff.length > 0)
    log.warn({ clients: switchedOff }, 'clients that this configuration does not name are off')
  return switchedOff
}

/** Every token names the issuer to the letter, and cookies are only as safe as its scheme. */
function checkIssuer(issuer: string): void {
  const url = URL.parse(issuer)
  if (url === null || url.origin !== issuer) {
    throw new WrongDeclaration('The issuer must be an origin: scheme, host and port, without a slash at the end.')
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocalIssuer(issuer))) {
    throw new WrongDeclaration('The issuer must be an https: URL, unless it is on loopback.')
  }
}
