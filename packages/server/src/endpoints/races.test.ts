import { afterEach, describe } from 'vitest'
import { closeGiven } from '../testing/given.ts'
import { racesOver } from '../testing/races.ts'

afterEach(closeGiven)

describe('in memory', () => racesOver())
