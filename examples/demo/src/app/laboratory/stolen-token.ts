import type { Countersign } from '@countersign/app'
import type { Experiment, Report } from './experiment.ts'
import { reaches, readStored } from './stored-token.ts'
import { proofWithOwnKey, redeem } from './thief.ts'
import { stealUnbound } from './unbound-login.ts'

export function stolenToken(countersign: Countersign): Experiment {
  return {
    id: 'stolen-token',
    title: 'A stolen refresh token',
    explanation:
      'A script in the page, a backup or a log has leaked the refresh token. Here it is bound to a key that cannot be copied out of the browser. Then the same theft against a login without a key, with a grace of 1 s and a minimum life of 2 s so that one can watch.',
    actions: [
      { id: 'steal-bound', label: 'Steal the refresh token', run: stealBound },
      { id: 'steal-unbound', label: 'Steal one that is not bound', run: report => stealUnbound(countersign, report) },
    ],
  }

  async function stealBound(report: Report): Promise<void> {
    const { refreshToken = '' } = await readStored(countersign)
    const without = await redeem('demo', refreshToken)
    report(`Without a proof: row ${without.row}, refused, ${without.reason}.`, without.tokens ? 'bad' : 'good')
    const other = await redeem('demo', refreshToken, await proofWithOwnKey())
    report(`With a proof of another key: row ${other.row}, refused, ${other.reason}.`, other.tokens ? 'bad' : 'good')
    await countersign.refresh()
    await reaches(countersign, 'fresh')
    report('You refresh as if nothing had happened, and are still signed in.', 'good')
    report(
      'What this does not stop: the access token is a plain Bearer token in this demo, good in any hands until it expires or is revoked. With access_token_binding “dpop” it is bound as well.',
    )
  }
}
