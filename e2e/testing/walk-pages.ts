import type { HostedBrowser } from './hosted-browser.ts'
import type { Answer } from './http-call.ts'

/** Where a browser arrived, and the pages that it answered on the way. */
export interface Walk {
  /** The first answer that leads to another site, or that is no page which asks something. */
  readonly answer: Answer
  /** Of the address that gave it. */
  readonly path: string
  readonly pages: readonly string[]
}

type Fields = Readonly<Record<string, string>>

/**
 * Goes where the answers lead from a path on: signs in, allows what an application asks, and confirms a sign-out.
 *
 * @param more what is filled in on other pages, or otherwise on these, by path; a function gets the page.
 */
export async function walkPages(
  browser: HostedBrowser,
  from: string,
  who: { readonly email: string; readonly password: string },
  more: Readonly<Record<string, Fields | ((page: string) => Fields)>> = {},
): Promise<Walk> {
  const fieldsOf: typeof more = {
    '/sign-in': { email: who.email, password: who.password },
    '/consent': { decision: 'allow' },
    '/logout': {},
    ...more,
  }
  const pages: string[] = []
  let answer = await browser.open(from)
  let path = from
  for (let steps = 0; steps < 12; steps++) {
    const { location } = answer.headers
    if (typeof location === 'string') {
      if (!location.startsWith('/')) return { answer, path, pages }
      path = location
      answer = await browser.open(path)
      continue
    }
    const page = path.split('?')[0] ?? ''
    const fields = fieldsOf[page]
    if (fields === undefined || answer.status !== 200 || !answer.text.includes('name="csrf"'))
      return { answer, path, pages }
    pages.push(page)
    const filled = typeof fields === 'function' ? fields(answer.text) : fields
    answer = await browser.open(path, { form: { ...hiddenIn(answer.text), ...filled } })
  }
  throw new Error(`no end: ${pages.join(' ')}`)
}

/** The hidden fields of a page; of several forms, the last one's. */
export function hiddenIn(text: string): Record<string, string> {
  const fields = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]))
}
