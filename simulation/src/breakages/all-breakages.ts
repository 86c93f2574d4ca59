import type { Breakage } from './breakage.ts'
import { brokenCodes } from './broken-codes.ts'
import { brokenLines } from './broken-lines.ts'
import { brokenRules } from './broken-rules.ts'
import { brokenStores } from './broken-stores.ts'

/** Everything that is broken on purpose, one at a time. */
export const allBreakages: readonly Breakage[] = [...brokenRules, ...brokenStores, ...brokenCodes, ...brokenLines]
