import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

/*
 * What can be said of a page by a machine: the rules of axe-core (WCAG 2.2 A and AA, and its best practices), and what only a laid-out page shows.
 */

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const everyRule: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  // Off by default, and part of AA.
  rules: { 'target-size': { enabled: true } },
}

/** To be called once for a document: the rules are half a megabyte of script. */
export async function loadRules(page: Page): Promise<void> {
  await page.evaluate(axeSource)
}

/** What breaks the rules, all or some: each with the elements that do. */
export async function breachesOf(page: Page, only?: readonly string[]): Promise<readonly string[]> {
  const options: RunOptions = only === undefined ? everyRule : { runOnly: { type: 'rule', values: [...only] } }
  const { violations, incomplete } = await page.evaluate((asked): Promise<AxeResults> => {
    // The contrast of what people type can be seen where something is typed.
    for (const input of document.querySelectorAll('input')) if (input.type !== 'hidden') input.value ||= 'typed'
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }
    return axe.run({ ...asked, resultTypes: ['violations', 'incomplete'] })
  }, options as object)
  // What axe cannot decide is no pass: a contrast on a ground that it does not see, for one.
  return [...violations, ...incomplete].flatMap(({ id, nodes }) =>
    nodes.map(({ target, any, all, none }) => {
      const why = [...any, ...all, ...none].map(({ message }) => message).join('; ')
      return `${id}: ${target.join(' ')} (${why})`
    }),
  )
}

/** Shows another page of the same site in this document, as its text is: a navigation and new rules for each would take half a minute. */
export function showInPlace(page: Page, text: string): Promise<void> {
  return page.evaluate(html => {
    const next = new DOMParser().parseFromString(html, 'text/html')
    const { lang, dir } = next.documentElement
    Object.assign(document.documentElement, { lang, dir })
    document.title = next.title
    document.body.replaceWith(next.body)
    document.adoptedStyleSheets = []
  }, text)
}

/** What does not fit into the width of the window: of 320 px, so that nobody has to scroll in two directions (WCAG 2.2, 1.4.10). */
export function overflowsOf(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const wide = document.documentElement.clientWidth
    const isOutside = (element: Element): boolean => {
      const { left, right, width } = element.getBoundingClientRect()
      return width > 1 && (left < -0.5 || right > wide + 0.5)
    }
    const isCut = (element: Element): boolean =>
      element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline'
    return [...document.querySelectorAll('body *:not(.unseen):not(.unseen *):not(svg *)')]
      .filter(
        element =>
          isOutside(element) ||
          (element instanceof HTMLElement && !(element instanceof HTMLInputElement) && isCut(element)),
      )
      .map(element => `${element.tagName.toLowerCase()}.${element.className}: ${element.textContent.slice(0, 40)}`)
  })
}

/** As far apart as a reader may want the text (WCAG 2.2, 1.4.12). */
export function spreadText(page: Page): Promise<void> {
  return page.evaluate(() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(
      '* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }',
    )
    document.adoptedStyleSheets = [sheet]
  })
}
