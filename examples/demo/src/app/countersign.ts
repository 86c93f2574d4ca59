import { type Countersign, createCountersign } from '@countersign/app'
import { watched } from './laboratory/watch.ts'
import { apiUrl, issuer } from './settings.ts'

/** The one holder of this page's tokens. `fetch` is given here so that the laboratory can watch; leave it out. */
export const countersign: Countersign = createCountersign({
  issuer,
  clientId: 'demo',
  apiOrigins: [apiUrl],
  fetch: watched('this page'),
})
