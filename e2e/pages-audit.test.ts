import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSampleSite } from '../packages/server/src/testing/sample-site.ts'
import { type Listening, listen } from './testing/listen.ts'
import { breachesOf, loadRules, overflowsOf, showInPlace, spreadText } from './testing/page-audit.ts'
import { launchBrowser } from './testing/real-browser.ts'

/*
 * The hosted pages in a real browser, in every state and language: the automated part of WCAG 2.2 AA.
 */

const site = createSampleSite()
let server: Listening
let browser: Browser
let page: Page

beforeAll(async () => {
  server = await listen((request, response) => {
    const answer = site.answer(request.url ?? '')
    response.writeHead(answer === undefined ? 404 : 200, answer?.headers)
    response.end(answer?.body)
  })
  browser = await launchBrowser()
  // Without the fading of colours, so that what is measured is what stays. The pages' policy would not let them be changed in place; it holds in the other tests.
  page = await browser.newPage({ reducedMotion: 'reduce', bypassCSP: true })
  await page.goto(server.origin + (site.pages[0]?.path ?? ''))
  await loadRules(page)
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

/** The least runs in which each direction meets each scheme and each width. Both directions are marked up by the same templates: what is structure is judged once. */
const ofLayout = ['target-size', 'html-lang-valid', 'valid-lang', 'link-in-text-block']
const runs = [
  { direction: 'ltr', scheme: 'light', width: 1280, rules: undefined },
  { direction: 'ltr', scheme: 'dark', width: 320, rules: [...ofLayout, 'color-contrast'] },
  { direction: 'rtl', scheme: 'light', width: 320, rules: ofLayout },
  { direction: 'rtl', scheme: 'dark', width: 1280, rules: ['color-contrast'] },
] as const

test.each(runs)(
  'no page breaks a rule of WCAG 2.2 AA that a machine can judge: $direction, $scheme, $width px',
  async ({ direction, scheme, width, rules }) => {
    await page.emulateMedia({ colorScheme: scheme })
    await page.setViewportSize({ width, height: 800 })
    const breaches: Record<string, readonly string[]> = {}
    const some = site.pages.filter(({ language }) => language.direction === direction)
    for (const { path } of some) {
      await showInPlace(page, String(site.answer(path)?.body))
      const found = [...(await breachesOf(page, rules))]
      if (width === 320) {
        found.push(...(await overflowsOf(page)))
        await spreadText(page)
        found.push(...(await overflowsOf(page)))
      }
      if (found.length > 0) breaches[path] = found
    }
    expect(breaches).toEqual({})
    expect(some.length).toBeGreaterThan(40)
  },
)

test('with forced colours every button and field has an edge and every focus a ring, and with reduced motion nothing moves', async () => {
  await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' })
  for (const name of ['sign-in-connection-taken', 'account', 'consent', 'ways-in-stale']) {
    await showInPlace(page, String(site.answer(`/en-GB/${name}`)?.body))
    const seen = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('.button, input:not([type="hidden"], [hidden])')]
        .filter(element => element.checkVisibility())
        .map(element => {
          element.focus({ focusVisible: true } as FocusOptions)
          const { borderStyle, borderColor, backgroundColor, outlineStyle, transitionDuration } =
            getComputedStyle(element)
          const hasEdge =
            borderStyle === 'solid' && borderColor !== backgroundColor && !/^rgba\(.*, 0\)$/.test(borderColor)
          return { what: element.textContent, hasEdge, hasRing: outlineStyle === 'solid', transitionDuration }
        }),
    )
    expect(seen.length).toBeGreaterThan(1)
    expect(seen).toEqual(seen.map(({ what }) => ({ what, hasEdge: true, hasRing: true, transitionDuration: '0s' })))
  }
})
