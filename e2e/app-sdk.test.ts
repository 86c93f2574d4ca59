import { testInBrowser } from './testing/app-sdk-scenarios.ts'
import { startCountersign } from './testing/countersign-token-server.ts'

testInBrowser('the app SDK in Chromium, with the real server', startCountersign)
