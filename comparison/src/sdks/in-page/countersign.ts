import { createCountersign } from '@countersign/app'
import { clientId, credentials, type SdkInPage } from './sdk-in-page.ts'

export function countersign(dpop: boolean): SdkInPage {
  const app = createCountersign({ issuer: location.origin, clientId, dpop })
  return {
    async signIn() {
      await app.signIn(credentials)
    },
    async call() {
      return (await app.fetch('/api/echo')).status
    },
  }
}
