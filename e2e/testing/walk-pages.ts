import type { HostedBrowser } from './hosted-browser.ts'
import type { Answer } from './http-call.ts'

/** Where a browser arrived, and the pages that it answered on the way. */
export interface Walk {
  /** The first answer that leads to another site, or that is no page which asks something. */
  readonly answer: Answer
  readonly pages: readonly string[]
}

/** Goes where the answers lead from a path on: signs in, allows what an application asks, and confirms a sign-out. */
export async function walkPages(
  browser: HostedBrowser,
  from: string,
  who: { readonly email: string; readonly password: string },
): Promise<Walk> {
  const fieldsOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    '/sign-in': { email: who.email, password: who.password },
    '/consent': { decision: 'allow' },
    '/logout': {},
  }
  const pages: string[] = []
  let answer = await browser.open(from)
  let path = from
  for (let steps = 0; steps < 12; steps++) {
    const { location } = answer.headers
    if (typeof location === 'string') {
      if (!location.startsWith('/')) return { answer, pages }
      path = location
      answer = await browser.open(path)
      continue
    }
    const page = path.split('?')[0] ?? ''
    const fields = fieldsOf[page]
    if (fields === undefined || answer.status !== 200 || !answer.text.includes('name="csrf"')) return { answer, pages }
    pages.push(page)
    answer = await browser.open(path, { form: { ...hiddenIn(answer.text), ...fields } })
  }
  throw new Error(`no end: ${pages.join(' ')}`)
}

/** The hidden fields of a page; of several forms, the last one's. */
export function hiddenIn(text: string): Record<string, string> {
  const fields = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]))
}
