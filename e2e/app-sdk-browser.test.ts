import { testInBrowser } from './testing/app-sdk-scenarios.ts'
import { startStrictTokenServer } from './testing/strict-token-server.ts'

testInBrowser('the app SDK in Chromium, with the strict test issuer', startStrictTokenServer)
