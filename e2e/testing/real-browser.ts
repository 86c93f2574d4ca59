import { type Browser, chromium } from 'playwright-core'
import { findChromium } from '../../tools/chromium-path.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Chromium, which calls nobody by itself. `ignoreDefaultArgs`: what Playwright would switch off, and is to be tried. */
export function launchBrowser(more: { ignoreDefaultArgs?: string[] } = {}): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium() ?? '', args: flags, ...more })
}
