import { betterAuth } from './servers/better-auth/contender.ts'
import type { Contender } from './servers/contender.ts'
import { countersign } from './servers/countersign/contender.ts'
import { oidcProvider } from './servers/oidc-provider/contender.ts'

/** Who is compared, in the order of the tables. */
export const contenders: readonly Contender[] = [
  countersign('bound'),
  countersign('unbound'),
  oidcProvider('bound'),
  oidcProvider('unbound'),
  betterAuth('bound', 30),
  betterAuth('unbound', 30),
  betterAuth('unbound', 0),
]
